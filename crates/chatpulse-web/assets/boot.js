// Says before the first paint that scripts run, so that what only helps without them stays unseen.
document.documentElement.classList.add("js");

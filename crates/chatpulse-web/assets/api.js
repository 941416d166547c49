// Calls to the server, and what to tell a person when one fails.
//
// A call never throws and never follows a redirect: an expired session must not look like
// a success just because the login page answers 200.

const TIMEOUT_MS = 15_000;

// Becomes { status, data, retryAfter }; status 0 means that no answer came.
async function call(path, { method = "GET", body, contentType } = {}) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken();
  if (contentType) headers["Content-Type"] = contentType;
  try {
    const answer = await fetch(path, {
      method,
      headers,
      body,
      redirect: "manual",
      credentials: "same-origin",
      cache: "no-store",
      signal: stop.signal,
    });
    const status = answer.type === "opaqueredirect" ? 401 : answer.status;
    return { status, data: await json(answer), retryAfter: Number(answer.headers.get("Retry-After")) || 0 };
  } catch {
    return { status: 0, data: {}, retryAfter: 0 };
  } finally {
    clearTimeout(timer);
  }
}

export function get(path) {
  return call(path);
}

export function postJson(path, value) {
  return call(path, { method: "POST", body: JSON.stringify(value ?? {}), contentType: "application/json" });
}

export function postForm(path, form) {
  return call(path, { method: "POST", body: new URLSearchParams(form) });
}

// Right for any failure that a caller has no better words for.
export function words({ status, retryAfter }) {
  if (status === 0) return "The server can’t be reached. Check your connection and try again.";
  if (status === 401) return "You’ve been logged out.";
  if (status === 403) return "This page is too old to be trusted. Reload it and try again.";
  if (status === 429) {
    return retryAfter > 0 ? `That was a bit fast. Try again in ${retryAfter} s.` : "That was a bit fast. Try again in a moment.";
  }
  return "The server has trouble right now. Try again in a moment.";
}

function csrfToken() {
  return document.querySelector('input[name="csrf_token"]')?.value ?? "";
}

async function json(answer) {
  try {
    const data = await answer.json();
    return data !== null && typeof data === "object" ? data : {};
  } catch {
    return {};
  }
}

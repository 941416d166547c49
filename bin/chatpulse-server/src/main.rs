//! The `chatpulse` command: parses the command line, loads the settings, runs the command and sets the exit code.

#![expect(
    clippy::print_stdout,
    reason = "commands talk to people on standard output; logs go to standard error"
)]
#![cfg_attr(
    not(feature = "fleet"),
    expect(dead_code, reason = "settings of the pool are validated in every build; only a fleet uses them")
)]

mod clock;
mod command;
mod fatal;
mod lifecycle;
mod open_files;
mod settings;
mod tls;
mod wiring;

use std::process::ExitCode;

use chatpulse_telemetry::logging::LogFormat;
use clap::Parser as _;
use command::{Cli, Command};

/// Exit code for a configuration error; nothing was started.
const EXIT_CONFIGURATION: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    tls::install();
    open_files::raise_limit();
    let ended = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => command::serve::run(),
        Command::Demo(options) => command::demo::run(&options),
        Command::Check(options) => command::check::run(&options),
        Command::Migrate => command::migrate::run(),
        Command::Conduits(options) => command::conduits::run(&options),
    };
    ended.unwrap_or_else(|error| {
        if let Some(problems) = error.downcast_ref::<settings::Problems>() {
            eprintln!("{}", problems.report());
            return ExitCode::from(EXIT_CONFIGURATION);
        }
        fatal::report(&error, LogFormat::Text);
        ExitCode::FAILURE
    })
}

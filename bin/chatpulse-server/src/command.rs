//! The command line.

pub(crate) mod check;
pub(crate) mod conduits;
pub(crate) mod demo;
pub(crate) mod migrate;
pub(crate) mod serve;

use clap::{Args, Parser, Subcommand};

/// Shows a Twitch chat's mood as a moving bar on the stream.
#[derive(Parser)]
#[command(name = "chatpulse", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Without a command it serves.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve, configured by the environment and `.env` (the default)
    Serve,
    /// The whole product with a simulated Twitch: no accounts, no keys, keeps nothing
    Demo(DemoOptions),
    /// Say what works, and what to do about what does not
    Check(CheckOptions),
    /// Bring the database up to date and exit
    Migrate,
    /// List the conduits of the Twitch application, or delete one that is not ours
    Conduits(ConduitOptions),
}

#[derive(Args, Clone)]
pub(crate) struct DemoOptions {
    /// Where the product listens, on 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// How many people chat
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) chatters: u32,
    /// How much they type
    #[arg(long, value_name = "R", default_value_t = 3.0, value_parser = rate)]
    pub(crate) messages_per_second: f64,
    /// Same seed, same crowd
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Open the dashboard in the browser
    #[arg(long)]
    pub(crate) open: bool,
}

#[derive(Args)]
pub(crate) struct ConduitOptions {
    #[command(subcommand)]
    pub(crate) command: Option<ConduitCommand>,
}

/// Without a command it lists.
#[derive(Subcommand)]
pub(crate) enum ConduitCommand {
    /// Delete a conduit that is not ours, with everything that is delivered through it
    Delete {
        /// Its id, as `chatpulse conduits` shows it
        id: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
pub(crate) struct CheckOptions {
    /// For machines
    #[arg(long)]
    pub(crate) json: bool,
}

/// A chat of 5,000 lines a second is beyond any that there is.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=5_000.0).contains(&rate) => Ok(rate),
        _ => Err("a number from 0.01 to 5000".to_owned()),
    }
}

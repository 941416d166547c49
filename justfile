# Every habit of a developer; `just` lists them.

_list:
    @just --list --unsorted

# The whole product with a simulated Twitch: dashboard and overlay on this machine
demo *options:
    cargo run --release -- demo {{options}}

# Serve, configured by the environment and .env
serve:
    cargo run --release -- serve

# Say what works here, and what to do about what does not
check:
    cargo run --release -- check

# Every test; installs what is missing where it may
test *filter:
    scripts/test {{filter}}

# Only tests beside the code: fast, needs nothing
unit:
    cargo test --workspace --lib --bins

# The browser test alone; its pictures land in screenshots/
screenshots:
    cargo test -p chatpulse-server --test browser -- --nocapture

# What CI runs
ci:
    .ci/run

# Format all code
fmt:
    cargo fmt --all

# Clippy as CI has it
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# The documentation of every crate, opened
doc:
    cargo doc --workspace --no-deps --document-private-items --open

# Dependencies: bans, licences, sources, advisories
deny:
    cargo deny check

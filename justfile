# The commands of a developer; `just` lists them.

_list:
    @just --list --unsorted

# Run the whole product with a simulated Twitch: dashboard and overlay on this machine
demo *options:
    cargo run --release --no-default-features -- demo {{options}}

# Serve, configured by the environment and .env
serve:
    cargo run --release -- serve

# Say what works here and what to do about what does not
check:
    cargo run --release -- check

# Run every test; installs what is missing if it may
test *filter:
    scripts/test {{filter}}

# Run only the tests beside the code: fast, need nothing
unit:
    cargo test --workspace --lib --bins

# Run the browser test alone; its pictures are in screenshots/
screenshots:
    cargo test -p chatpulse-server --test browser -- --nocapture

# Run what CI runs
ci:
    .ci/run

# Format all code
fmt:
    cargo fmt --all

# Run Clippy as CI does
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Build the documentation of every crate and open it
doc:
    cargo doc --workspace --no-deps --document-private-items --open

# Check dependencies: bans, licences, sources, advisories
deny:
    cargo deny check

# Change the rules one by one and list the changes that no test notices: an hour, needs cargo-mutants
mutants *options:
    cargo mutants -p chatpulse-domain {{options}}
    cargo mutants -p chatpulse-engine --file crates/chatpulse-engine/src/pipeline.rs {{options}}

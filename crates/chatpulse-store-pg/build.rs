//! A new migration file rebuilds the crate; cargo alone only notices changes of known ones.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/postgres");
}

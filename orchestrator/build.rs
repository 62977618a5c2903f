//! The migrations are compiled in; a new file in their folder must rebuild the program.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}

//! Prints `npm/src/generated.ts`.

fn main() {
    print!("{}", tenure_bridge::types::typescript());
}

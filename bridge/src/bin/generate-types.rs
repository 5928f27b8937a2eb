//! Prints `npm/src/generated.ts`, or with the argument `results` the file `server/src/results.json`.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("results") {
        print!("{}", tenure_bridge::types::typescript());
        return ExitCode::SUCCESS;
    }
    match tenure_bridge::schema::results() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

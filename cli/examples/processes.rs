//! Times whole processes against each other, from before they are started until they have ended. They
//! take turns, so that whatever else the machine does slows all of them down. This is a part of the
//! benchmarks (`npm run bench -- --only command`), in Rust since Node takes longer to start a process
//! than some of these run.
//!
//! The specification comes from standard input as JSON: `{"rounds": 200, "programs": [{"name", "argv",
//! "input", "status"}]}`. `{n}` in an argument or in the input is the number of the round. The answer is
//! an object of the nanoseconds of each round, by name.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::Deserialize;

/// Rounds before those that count: until the files are in memory.
const WARM_UP: u32 = 5;

#[derive(Deserialize)]
struct Specification {
    rounds: u32,
    programs: Vec<Program>,
}

#[derive(Deserialize)]
struct Program {
    name: String,
    argv: Vec<String>,
    #[serde(default)]
    input: String,
    /// The exit status that it has to have.
    #[serde(default)]
    status: i32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let Specification { rounds, programs } = serde_json::from_str(&text)?;
    let mut times: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for round in 0..WARM_UP + rounds {
        for turn in 0..programs.len() {
            let program = &programs[(turn + round as usize) % programs.len()];
            let nanoseconds = time(program, round)?;
            if round >= WARM_UP {
                times.entry(&program.name).or_default().push(nanoseconds);
            }
        }
    }
    println!("{}", serde_json::to_string(&times)?);
    Ok(())
}

fn time(program: &Program, round: u32) -> Result<u64, Box<dyn Error>> {
    let numbered = |text: &str| text.replace("{n}", &round.to_string());
    let mut argv = program.argv.iter().map(|argument| numbered(argument));
    let input = numbered(&program.input);
    let mut command = Command::new(argv.next().unwrap_or_default());
    command
        .args(argv)
        .stdout(Stdio::null())
        .stdin(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that reads nothing may have ended.
        let _ = stdin.write_all(input.as_bytes());
    }
    let status = child.wait()?;
    let took = started.elapsed();
    if status.code() != Some(program.status) {
        return Err(format!("{} ended with {status}", program.name).into());
    }
    Ok(u64::try_from(took.as_nanos())?)
}

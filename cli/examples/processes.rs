//! Measures the duration of whole processes, from before their start until their end. The programs take
//! turns, so that other load on the machine slows all of them down. This is a part of the benchmarks
//! (`npm run bench -- --only command`). It is in Rust because Node takes longer to start a process than
//! some of these run.
//!
//! The specification comes from standard input as JSON: `{"rounds": 200, "programs": [{"name", "argv",
//! "input", "status"}]}`. `{n}` in an argument or in the input is the number of the round. The output is
//! an object with the nanoseconds of each round, by name.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::Deserialize;

/// Rounds that are not measured: they load the files into memory.
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
    /// The expected exit status.
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
        // A program that reads nothing may have ended.
        let _ = stdin.write_all(input.as_bytes());
    }
    let status = child.wait()?;
    let took = started.elapsed();
    if status.code() != Some(program.status) {
        return Err(format!("{} ended with {status}", program.name).into());
    }
    Ok(u64::try_from(took.as_nanos())?)
}

//! With `--json` the commands print the replies of their operations, byte for byte.

use serde_json::value::RawValue;
use tenure_core::Timestamp;

use super::REFUSED;
use crate::common::{NOW, Place};

#[test]
fn json_is_the_reply_of_the_operation() {
    #[derive(serde::Deserialize)]
    struct Done<'a> {
        #[serde(borrow)]
        ok: &'a RawValue,
    }
    let (place, other) = (Place::new(), Place::new());
    let now = Timestamp::parse(NOW).unwrap().as_millis() as f64;
    let check = |code: i32, args: &[&str], operation: &str, params: &str| {
        let answer = other.store().perform(operation, params, now);
        let printed = place.run(&[args, &["--json"]].concat());
        assert_eq!(printed.code, code, "{args:?}");
        let Done { ok } = serde_json::from_str(&answer).unwrap();
        assert_eq!(printed.out.trim_end_matches('\n'), ok.get(), "{args:?}");
    };
    let slot = r#""taskId":"T 1","phase":"verify","task":"ünï","mode":"reviewer""#;
    let args = [
        "slot", "start", "T 1", "review", "ünï", "--mode", "reviewer",
    ];
    let context = r#"{"n":1e400, "s":"\ud83d"}"#;
    check(
        0,
        &[
            &args[..],
            &["--model", "opus", "--id", "a", "--context", context],
        ]
        .concat(),
        "startInSlot",
        &format!(r#"{{{slot},"model":"opus","id":"a","context":{context}}}"#),
    );
    let model = r#"{"name":"haiku","version":"4","params":{"t":1e400}}"#;
    let asked = [&args[..], &["--model", model, "--id", "b"]].concat();
    let params = format!(r#"{slot},"model":{model},"id":"b""#);
    check(REFUSED, &asked, "startInSlot", &format!("{{{params}}}"));
    check(
        REFUSED,
        &[&asked[..], &["--on-model-change", "reject"]].concat(),
        "startInSlot",
        &format!(r#"{{{params},"onModelChange":"reject"}}"#),
    );
    check(
        0,
        &[
            &asked[..],
            &[
                "--confirm",
                "a@1",
                "--export-old",
                "a.json",
                "--pessimistic",
            ],
        ]
        .concat(),
        "startInSlot",
        &format!(
            r#"{{{params},"confirm":{{"id":"a","version":1}},"exportOld":true,"locking":"pessimistic"}}"#
        ),
    );
    let one = r#"{"taskId":"T 1","phase":"verify"}"#;
    check(0, &["slot", "show", "T 1", "verify"], "latestSession", one);
    let other = r#"{"taskId":"T 1","phase":"plan"}"#;
    check(
        REFUSED,
        &["slot", "show", "T 1", "plan"],
        "latestSession",
        other,
    );
    check(
        0,
        &["slot", "list", "T 1", "T2"],
        "slots",
        r#"{"taskIds":["T 1","T2"]}"#,
    );
    let list = [
        "list",
        "--task-id",
        "T 1",
        "--task-id",
        "T2",
        "--slot-phase",
        "run,verification",
    ];
    let params = r#"{"taskIds":["T 1","T2"],"slotPhase":["run","verify"],"model":"haiku"}"#;
    check(
        0,
        &[&list[..], &["--model", "haiku"]].concat(),
        "list",
        params,
    );
    check(
        0,
        &["stats", "--model", "haiku"],
        "stats",
        r#"{"model":"haiku"}"#,
    );
}

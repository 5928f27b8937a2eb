//! User data is stored as the given text, including JSON that parsed values cannot represent.

use tenure_core::{Event, Head};

use crate::check::Check;
use crate::fixture::Run;
use crate::sample::{create, create_with, event, head, is_stored, json};

/// Objects that change if they are parsed into values and printed again.
const HOSTILE: &[&str] = &[
    r#"{"lone":"\ud800","low":"\udc00","swapped":"\udc00\ud800"}"#,
    r#"{"\ud800":1,"\ud801":2}"#,
    r#"{"big":1e400,"small":1e-400,"negative":-0,"float":-0.0,"plus":1E+2}"#,
    r#"{"integer":12345678901234567890,"more":123456789012345678901234567890,"safe":9007199254740993}"#,
    r#"{"digits":0.1000000000000000055511151231257827,"zeros":1.000,"one":1.0}"#,
    r#"{"a":1,"a":2,"a":3}"#,
    r#"{"__proto__":{"polluted":true},"constructor":{"prototype":{}},"toString":1}"#,
    r#"{"":"","":{"":[]}}"#,
    r#"{"b":1,"a":2,"10":3,"9":4,"1":5}"#,
    r#"{"a":"\u0041\/\b\f\n\r\t\u0000\"\\","\u0061":"\u00e9"}"#,
    "{\"a\":\"\u{2028}\u{2029}\u{85}\u{feff}\u{7f}\"}",
    r#"{"a":"🦀","b":"\ud83e\udd80","c":"é","d":"é"}"#,
    r#"{"a":[],"b":{},"c":null,"d":[null,true,false]}"#,
    r#"{"sql":"'; DROP TABLE sessions; --","html":"</script><!--","percent":"%s%n%_"}"#,
];

pub(crate) async fn hostile_json_is_stored_unchanged(run: &Run<'_>) -> Check {
    let texts: Vec<String> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    keeps(run, &texts).await
}

pub(crate) async fn white_space_inside_json_is_kept(run: &Run<'_>) -> Check {
    let texts = [
        r#"{ "a" : 1 , "b" : [ 1 , 2 ] }"#.to_owned(),
        "{\n\t\"a\": {\r\n  \"b\":\t1\n  }\n}".to_owned(),
        "{ }".to_owned(),
    ];
    keeps(run, &texts).await
}

pub(crate) async fn json_of_128_levels_is_stored(run: &Run<'_>) -> Check {
    let objects = format!("{}1{}", r#"{"a":"#.repeat(128), "}".repeat(128));
    let arrays = format!(r#"{{"a":{}{}}}"#, "[".repeat(127), "]".repeat(127));
    keeps(run, &[objects, arrays]).await
}

pub(crate) async fn a_mebibyte_of_json_is_stored(run: &Run<'_>) -> Check {
    let mebibyte = 1 << 20;
    let long_text = format!(r#"{{"a":"{}"}}"#, "x".repeat(mebibyte - 8));
    let wide_text = format!(r#"{{"a":"{}"}}"#, "🦀".repeat((mebibyte - 8) / 4));
    let many_properties = format!("{{{}\"last\":0}}", "\"k\":1,".repeat(mebibyte / 6 - 2));
    keeps(run, &[long_text, wide_text, many_properties]).await
}

pub(crate) async fn no_metadata_is_not_empty_metadata(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let none = Head {
        metadata: None,
        ..head("none")
    };
    let empty = Head {
        metadata: Some(json("{}")),
        ..head("empty")
    };
    create(&*store, &[none.clone(), empty.clone()]).await?;
    is_stored(&*store, &none, &[]).await?;
    is_stored(&*store, &empty, &[]).await
}

/// Writes each text in every place of user data, and checks that it is unchanged.
async fn keeps(run: &Run<'_>, texts: &[String]) -> Check {
    let store = run.open().await?;
    for (number, text) in texts.iter().enumerate() {
        let data = json(text.as_str());
        let head = Head {
            context: data.clone(),
            metadata: Some(data.clone()),
            ..head(&format!("s{number}"))
        };
        let events = vec![Event { data, ..event(1) }, event(2)];
        let head = create_with(&*store, &head, events.clone()).await?;
        is_stored(&*store, &head, &events).await?;
    }
    Ok(())
}

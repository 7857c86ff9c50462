//! Values that the platform takes only in certain forms, whoever says them. In: a value. Out: its
//! normal form, or what is wrong with it as a fragment (spec: functions.md sections 2 and 3).

use croner::parser::{CronParser, Seconds, Year};
use serde_json::Value;

use super::NodeVersion;
use super::config::Told;

/// The platform's regions.
const REGIONS: [&str; 12] = ["cmh", "dub", "fra", "gru", "iad", "lhr", "nrt", "pdx", "sfo", "sin", "syd", "yul"];

/// Something that the platform would not take, or not as it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What says it.
    pub key: &'static str,
    /// Follows the key's name.
    pub message: String,
    /// An error: the platform would refuse it. Otherwise a warning.
    pub refused: bool,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

/// What is wrong with the values that a function is told.
pub fn faults(told: &Told) -> Vec<Fault> {
    let value = |key: &str| Some(&told.get(key)?.value);
    let text = |key: &str| value(key)?.as_str();
    let fault = |key, message: String, refused| Fault { key, message, refused, hint: None };
    let refusal = |key, message: Option<String>| message.map(|message| fault(key, message, true));
    let both = value("memory").is_some() && value("vcpu").is_some();
    let exclusive = both.then(|| Fault {
        hint: Some("each decides the other: keep one"),
        ..fault("vcpu", "and `memory` cannot both be set".into(), true)
    });
    let schedule = text("schedule").and_then(|expression| match cron(expression) {
        Ok(doubt) => doubt.map(|doubt| fault("schedule", doubt.to_owned(), false)),
        Err(message) => Some(fault("schedule", message, true)),
    });
    let node_version = text("nodeVersion").and_then(node_version);
    let faults = [
        exclusive,
        refusal("memory", value("memory").and_then(|value| memory(value).err())),
        refusal("vcpu", value("vcpu").and_then(Value::as_f64).and_then(|share| vcpu(share).err())),
        refusal("region", text("region").and_then(|name| region(name).err())),
        schedule,
        node_version.map(|message| fault("nodeVersion", message, false)),
    ];
    faults.into_iter().flatten().collect()
}

/// Megabytes, of a number or of `2048`, `2gb`, `1.5 GB`.
///
/// # Errors
/// It is no amount of memory, or one that the platform does not have.
pub fn memory(value: &Value) -> Result<u64, String> {
    let shape = || "must be a number of megabytes, or text such as `2gb`".to_owned();
    let megabytes = match value {
        Value::Number(number) => number.as_f64().ok_or_else(shape)?,
        Value::String(text) => {
            let text = text.trim().to_lowercase();
            let (number, factor) = match (text.strip_suffix("gb"), text.strip_suffix("mb")) {
                (Some(number), _) => (number, 1024.0),
                (_, Some(number)) => (number, 1.0),
                _ => (text.as_str(), 1.0),
            };
            let number = number.trim_end();
            let digits =
                number.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
            number.parse::<f64>().ok().filter(|_| digits).ok_or_else(shape)? * factor
        }
        _ => return Err(shape()),
    };
    if megabytes.fract() != 0.0 || !(1024.0..=4096.0).contains(&megabytes) {
        return Err("must be a whole number of megabytes from 1024 to 4096".into());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and small")]
    Ok(megabytes as u64)
}

/// A share of virtual processors.
///
/// # Errors
/// The platform does not have so many.
pub fn vcpu(vcpu: f64) -> Result<f64, String> {
    if (0.5..=2.0).contains(&vcpu) { Ok(vcpu) } else { Err("must be from 0.5 to 2".into()) }
}

/// A region, in lower case.
///
/// # Errors
/// There is none of this name.
pub fn region(region: &str) -> Result<String, String> {
    let region = region.to_lowercase();
    if REGIONS.contains(&region.as_str()) { Ok(region) } else { Err(format!("must be one of {}", REGIONS.join(", "))) }
}

/// What is to be said of a Node version that a function asks for.
pub fn node_version(written: &str) -> Option<String> {
    match NodeVersion::coerce(written).map(|version| version.major) {
        None => Some(format!("is `{written}`, which is no Node version: it is ignored")),
        Some(18 | 20 | 22 | 24) => None,
        Some(major) => {
            Some(format!("asks for Node {major}, which the platform does not have: there are 18, 20, 22 and 24"))
        }
    }
}

/// A cron expression: five fields, or one of the platform's aliases. Seconds are taken, with a
/// warning.
///
/// # Errors
/// It is neither.
pub fn cron(expression: &str) -> Result<Option<&'static str>, String> {
    if expression.trim_start().starts_with('@') {
        return match expression {
            "@hourly" | "@daily" | "@weekly" | "@monthly" | "@yearly" => Ok(None),
            "@annually" => Err("is `@annually`, which is not known: write `@yearly`".into()),
            "@midnight" => Err("is `@midnight`, which is not known: write `@daily`".into()),
            _ => Err(format!(
                "is `{expression}`, which is not known: there are `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`"
            )),
        };
    }
    let wrong = |why: &str| Err(format!("is `{expression}`, which is not a cron expression: {why}"));
    let fields: Vec<&str> = expression.split_whitespace().collect();
    if !matches!(fields.len(), 5 | 6) {
        let s = if fields.len() == 1 { "" } else { "s" };
        return wrong(&format!("it has {} field{s}, and not five", fields.len()));
    }
    // What the parser takes and the platform does not, and the other way round.
    if fields.iter().any(|field| field.split(',').any(str::is_empty)) {
        return wrong("a list has an empty item");
    }
    let day = fields[fields.len() - 3].to_uppercase();
    if day.contains('W') || day.contains("L-") {
        return wrong("the platform knows no nearest weekday, and no days before the last");
    }
    let most = [59, 59, 23, 31, 12, 7];
    let limits = &most[6 - fields.len()..];
    let normal: Vec<String> = fields.iter().zip(limits).map(|(field, most)| with_ranges(field, *most)).collect();
    let seconds = if fields.len() == 6 { Seconds::Required } else { Seconds::Disallowed };
    let parser = CronParser::builder().seconds(seconds).year(Year::Disallowed).build();
    match parser.parse(&normal.join(" ")) {
        Err(_) => wrong(&wrong_field(&fields, &normal)),
        Ok(_) if never_comes(&fields[fields.len() - 3..]) => wrong("there is no such day"),
        Ok(_) if fields.len() == 6 => {
            Ok(Some("counts seconds, which the platform does not: the first field is ignored"))
        }
        Ok(_) => Ok(None),
    }
}

/// Which of the fields is wrong. Each is tried by itself, among others that are right.
fn wrong_field(fields: &[&str], normal: &[String]) -> String {
    const NAMES: [&str; 6] = ["second", "minute", "hour", "day of the month", "month", "day of the week"];
    let seconds = if fields.len() == 6 { Seconds::Required } else { Seconds::Disallowed };
    let parser = CronParser::builder().seconds(seconds).year(Year::Disallowed).build();
    let names = &NAMES[NAMES.len() - fields.len()..];
    let is_wrong = |index: &usize| {
        let mut alone = vec!["*"; fields.len()];
        alone[*index] = &normal[*index];
        parser.parse(&alone.join(" ")).is_err()
    };
    match (0..fields.len()).find(is_wrong) {
        Some(index) => format!("`{}` is no {}", fields[index], names[index]),
        None => "its fields do not go together".to_owned(),
    }
}

/// Is the first day of the month that is asked for later than the last that any of the months has?
fn never_comes(day_month_weekday: &[&str]) -> bool {
    let [days, months, "*" | "?"] = day_month_weekday else { return false };
    let numbers = |list: &str| list.split(',').map(|item| item.parse::<u32>().ok()).collect::<Option<Vec<_>>>();
    let last = |month: &u32| match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let (Some(days), Some(months)) = (numbers(days), numbers(months)) else { return false };
    days.iter().min() > months.iter().map(last).max().as_ref()
}

/// `5/10` is `5-59/10`, and `?` is `*`.
fn with_ranges(field: &str, most: u32) -> String {
    let item = |item: &str| match item.split_once('/') {
        Some((start, step)) if start.bytes().all(|byte| byte.is_ascii_digit()) => format!("{start}-{most}/{step}"),
        _ if item == "?" => "*".to_owned(),
        _ => item.to_owned(),
    };
    field.split(',').map(item).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_of_memory() {
        for (value, expected) in [
            (json!(1024), 1024),
            (json!("2048"), 2048),
            (json!("2gb"), 2048),
            (json!(" 1.5 GB "), 1536),
            (json!("3000 MB"), 3000),
        ] {
            assert_eq!(memory(&value), Ok(expected), "{value}");
        }
        for value in [
            json!(1023),
            json!(4097),
            json!("5gb"),
            json!("1.1gb"),
            json!("lots"),
            json!(true),
            json!(1500.5),
            json!("-2gb"),
            json!("nan"),
            json!(""),
        ] {
            assert!(memory(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn cron_expressions() {
        for good in [
            "* * * * *",
            "@daily",
            "0 0 1 1 *",
            "*/5 1-3 * JAN MON",
            " 0 12 * * 1-5 ",
            "5/10 * * * *",
            "0 0 ? * 1",
            "0 0 29 2 *",
            "0 0 L * *",
            "0 0 * * 5L",
        ] {
            assert_eq!(cron(good), Ok(None), "{good}");
        }
        assert!(cron("0 * * * * *").unwrap().is_some());
        for bad in [
            "@annually",
            "@often",
            "@daily ",
            "* * * *",
            "61 * * * *",
            "",
            "a b c d e",
            "0 0 0 1 1 * 2030",
            "1,,2 * * * *",
            "1, * * * *",
            "0 0 15W * *",
            "0 0 LW * *",
            "0 0 L-3 * *",
            "0 0 30 2 *",
            "0 0 31 2,4 *",
            "H * * * *",
        ] {
            assert!(cron(bad).is_err(), "{bad}");
        }
        assert!(cron("@midnight").unwrap_err().contains("write `@daily`"));
        assert_eq!(cron("0 25 * * *").unwrap_err(), "is `0 25 * * *`, which is not a cron expression: `25` is no hour");
        assert!(cron("0 0 0 * * x").unwrap_err().ends_with("`x` is no day of the week"));
    }

    #[test]
    fn regions_and_processors() {
        assert_eq!(region("CMH"), Ok("cmh".into()));
        assert!(region("us-east-1").is_err());
        assert!(vcpu(0.5).is_ok() && vcpu(2.5).is_err() && vcpu(f64::NAN).is_err());
    }
}

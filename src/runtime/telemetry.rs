//! The platform's telemetry, which ships only if `[fnzip] telemetry = true` asks for it. In: a function
//! and its site. Out: the text of a module, of the platform's package. Never runs here.

use super::bootstrap::installed_api;
use crate::diagnostic::{Code, Diagnostic};
use crate::function::Function;
use crate::settings::Settings;
use crate::store::Store;

/// What stands in the archive.
pub(super) const TELEMETRY_FILE: &str = "___netlify-telemetry.mjs";

/// The module, under the name of whoever generated the function.
///
/// # Errors
/// The platform's package is not installed.
pub(super) fn telemetry(function: &Function, settings: &Settings, store: &Store) -> Result<String, Diagnostic> {
    let api = installed_api(settings, store);
    let instrumentation = api.and_then(|api| store.read(&api.join("dist/telemetry/instrumentation.js")).ok());
    let bytes = instrumentation.ok_or_else(|| {
        let message = "`fnzip.telemetry` wants `@netlify/serverless-functions-api`, which is not installed";
        Diagnostic::error(Code::Bootstrap, message).hint("npm i -D @netlify/serverless-functions-api")
    })?;
    let (name, version) = function.config.generator.as_deref().map_or((None, None), service);
    let literal =
        |text: Option<String>| text.map_or("undefined".to_owned(), |text| serde_json::Value::from(text).to_string());
    let (name, version) = (literal(name), literal(version));
    let code = String::from_utf8_lossy(&bytes);
    Ok(format!("var SERVICE_NAME = {name};\nvar SERVICE_VERSION = {version};\n{code}\n"))
}

/// `@netlify/plugin-nextjs@14.13.2` is the service `netlify-plugin-nextjs`, in this version.
fn service(generator: &str) -> (Option<String>, Option<String>) {
    let at = generator.rfind('@').filter(|at| *at > 1);
    let (name, version) = at.map_or((generator, None), |at| (&generator[..at], Some(generator[at + 1..].to_owned())));
    let mut kebab = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        let divides = letter.is_whitespace() || "@#/$_\\.-".contains(letter);
        let begins = letter.is_ascii_uppercase() && before.is_ascii_lowercase();
        if (divides || begins) && !kebab.is_empty() && !kebab.ends_with('-') {
            kebab.push('-');
        }
        if !divides {
            kebab.extend(letter.to_lowercase());
        }
        before = letter;
    }
    (Some(kebab.trim_end_matches('-').to_owned()), version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_named_after_generators() {
        for (generator, name, version) in [
            ("@netlify/plugin-nextjs@14.13.2", "netlify-plugin-nextjs", Some("14.13.2")),
            ("internalFunc", "internal-func", None),
            ("@scope/name", "scope-name", None),
            ("My Tool_x.y/", "my-tool-x-y", None),
        ] {
            assert_eq!(service(generator), (Some(name.to_owned()), version.map(str::to_owned)), "{generator}");
        }
    }
}

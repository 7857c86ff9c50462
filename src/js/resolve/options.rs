//! What oxc_resolver is told, for Node's rules and for those of bundlers. In: what can be chosen. Out: its options.

use oxc_resolver::ResolveOptions as Options;

use super::ResolveOptions;

/// Node's own rules.
pub(super) fn node_options(options: &ResolveOptions, import: bool) -> Options {
    let kind = if import { "import" } else { "require" };
    let mut condition_names: Vec<String> = ["node", "node-addons", kind].map(String::from).into();
    condition_names.extend(options.conditions.iter().cloned());
    let for_browsers = options.conditions.iter().any(|condition| condition == "browser");
    let fields: &[&str] = if for_browsers { &["browser", "main"] } else { &["main"] };
    Options {
        alias_fields: if for_browsers { vec![vec!["browser".into()]] } else { Vec::new() },
        main_fields: fields.iter().copied().map(String::from).collect(),
        condition_names,
        extensions: [".js", ".json", ".node"].map(String::from).into(),
        fully_specified: import,
        builtin_modules: true,
        symlinks: false,
        // NODE_PATH is of the machine that builds, not of the one that runs.
        node_path: false,
        ..Options::default()
    }
}

/// The rules that code before a build step is written by.
pub(super) fn bundler_options(options: &ResolveOptions, import: bool) -> Options {
    let extensions = [".js", ".json", ".node", ".ts", ".tsx", ".mts", ".cts", ".jsx", ".mjs", ".cjs"];
    let alias = |from: &str, to: &[&str]| (from.to_owned(), to.iter().copied().map(String::from).collect());
    Options {
        extensions: extensions.map(String::from).into(),
        extension_alias: vec![
            alias(".js", &[".js", ".ts", ".tsx"]),
            alias(".mjs", &[".mjs", ".mts"]),
            alias(".cjs", &[".cjs", ".cts"]),
        ],
        fully_specified: false,
        ..node_options(options, import)
    }
}

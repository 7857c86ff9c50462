//! Our options as rolldown's. Everything that would look at the surroundings, or add bytes that nobody asked for, is
//! switched off here, with the reason.

use std::pin::Pin;
use std::sync::Arc;

use rolldown::{
    AttachDebugInfo, BundlerOptions, ChecksOptions, CodeSplittingMode, EsModuleFlag, ExperimentalOptions,
    GeneratedCodeOptions, InputItem, OutputExports, OutputFormat, Platform, RawMinifyOptions, SanitizeFilename,
    SourceMapType, StrictMode, TreeshakeOptions, TsConfig,
};

use rolldown_utils::sanitize_filename::default_sanitize_file_name;

use crate::ids::ROOT;
use crate::{Format, Options};

/// The name of the entry, or of the module around it. `@` keeps it apart from folders named for extensions.
pub(crate) const ENTRY: &str = "/-/@entry";

pub(crate) fn configure(options: &Options) -> BundlerOptions {
    let extension = &options.extension;
    BundlerOptions {
        input: Some(vec![InputItem { name: Some(options.name.clone()), import: ENTRY.to_owned() }]),
        // Neither exists. Whatever rolldown makes relative to them is the same on every machine.
        cwd: Some(ROOT.into()),
        dir: Some(ROOT.to_owned()),
        platform: Some(Platform::Node),
        format: Some(match options.format {
            Format::Cjs => OutputFormat::Cjs,
            Format::Esm => OutputFormat::Esm,
        }),
        entry_filenames: Some(format!("[name].{extension}").into()),
        chunk_filenames: Some(format!("{}-[name]-[hash].{extension}", options.name).into()),
        sanitize_filename: Some(SanitizeFilename::Fn(names(options.name.clone()))),
        code_splitting: Some(CodeSplittingMode::Bool(options.splitting)),
        // The reference to the map is written when the code is finished.
        sourcemap: options.source_maps.then_some(SourceMapType::Hidden),
        // What arrives is plain JavaScript.
        tsconfig: Some(TsConfig::Auto(false)),
        minify: Some(RawMinifyOptions::Bool(false)),
        treeshake: TreeshakeOptions::default(),
        // `require()` of the output gives what `require()` of the entry would: an object with all exports, marked as
        // the ES module that it was, and never the default export alone.
        exports: Some(OutputExports::Named),
        es_module: Some(EsModuleFlag::Always),
        generated_code: Some(GeneratedCodeOptions { symbols: false }),
        // Modules run in the order that Node would run them in, and each has the default import that Node would give it.
        strict_execution_order: Some(true),
        // A directive at the top would be one for all modules. Who has one gets it when the output is finished.
        strict: Some(StrictMode::Never),
        // Frameworks look at the names of classes, and people at those in stack traces.
        keep_names: Some(true),
        comments: Some(rolldown_common::CommentsOptions { legal: true, annotation: false, jsdoc: false }),
        experimental: Some(ExperimentalOptions {
            // No `//#region` around modules.
            attach_debug_info: Some(AttachDebugInfo::None),
            // For that order only those modules get functions around them that would otherwise run too early.
            on_demand_wrapping: Some(true),
            ..ExperimentalOptions::default()
        }),
        checks: Some(ChecksOptions {
            // These look at the clock, at names of files in `dir`, or judge what is the user's choice.
            circular_dependency: Some(false),
            configuration_field_conflict: Some(false),
            could_not_clean_directory: Some(false),
            ineffective_dynamic_import: Some(false),
            invalid_annotation: Some(false),
            large_barrel_modules: Some(false),
            mixed_exports: Some(false),
            plugin_timings: Some(false),
            prefer_builtin_feature: Some(false),
            // Whether something is missing is for the host to say.
            unresolved_import: Some(false),
            ..ChecksOptions::default()
        }),
        ..BundlerOptions::default()
    }
}

type Names = dyn Fn(&str) -> Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send>> + Send + Sync;

/// Leaves the name that was asked for as it is.
fn names(asked: String) -> Arc<Names> {
    Arc::new(move |name| {
        let name = if name == asked { name.to_owned() } else { default_sanitize_file_name(name).into_owned() };
        Box::pin(async move { Ok(name) })
    })
}

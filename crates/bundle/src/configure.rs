//! Our options as rolldown's. Everything that would look at the surroundings, or add bytes that nobody asked for, is
//! switched off here, with the reason.

use rolldown::{
    AttachDebugInfo, BundlerOptions, ChecksOptions, CodeSplittingMode, EsModuleFlag, ExperimentalOptions,
    GeneratedCodeOptions, InputItem, OutputExports, OutputFormat, Platform, RawMinifyOptions, SourceMapType,
    TreeshakeOptions, TsConfig,
};

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
        // Frameworks look at the names of classes, and people at those in stack traces.
        keep_names: Some(true),
        comments: Some(rolldown_common::CommentsOptions { legal: true, annotation: false, jsdoc: false }),
        experimental: Some(ExperimentalOptions {
            // No `//#region` around modules.
            attach_debug_info: Some(AttachDebugInfo::None),
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

//! What swc's passes complain of. In: its diagnostics. Out: ours. Never prints.

use std::sync::{Arc, Mutex, PoisonError};

use swc_core::common::Span;
use swc_core::common::errors::{DiagnosticBuilder, Emitter, Handler, Level};

use crate::diagnostic::{Code, Diagnostic, Severity, Span as SourceSpan};
use crate::js::parse::{fragment, offset};

/// Collects what is said of a file.
#[derive(Default, Clone)]
pub(super) struct Said(Arc<Mutex<Vec<Complaint>>>);

struct Complaint {
    severity: Severity,
    code: Code,
    span: Option<Span>,
    message: String,
    hint: Option<&'static str>,
}

impl Said {
    /// What swc's passes speak to.
    pub(super) fn handler(&self) -> Handler {
        Handler::with_emitter(true, false, Box::new(self.clone()))
    }

    /// An error of our own, and what to do.
    pub(super) fn error(&self, code: Code, span: Option<Span>, message: impl Into<String>, hint: &'static str) {
        self.add(Complaint { severity: Severity::Error, code, span, message: message.into(), hint: Some(hint) });
    }

    /// Was anything an error? Later passes rely on what earlier ones do.
    pub(super) fn failed(&self) -> bool {
        let complaints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        complaints.iter().any(|complaint| complaint.severity == Severity::Error)
    }

    fn add(&self, complaint: Complaint) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(complaint);
    }

    /// All that was said, with places in the source.
    pub(super) fn diagnostics(&self, source: &str) -> Vec<Diagnostic> {
        let complaints = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let told = complaints.into_iter().map(|Complaint { severity, code, span, message, hint }| {
            let mut diagnostic = Diagnostic::new(severity, code, message);
            diagnostic.span = span
                .filter(|span| !span.is_dummy())
                .map(|span| SourceSpan::of(source, offset(span.lo), offset(span.hi)));
            diagnostic.hint = hint.map(str::to_owned);
            diagnostic
        });
        told.collect()
    }
}

impl Emitter for Said {
    fn emit(&mut self, builder: &mut DiagnosticBuilder<'_>) {
        let message = builder.message.iter().map(|part| part.0.as_str()).collect::<String>();
        // TypeScript takes no notice of a factory that nothing asks for.
        let is_idle = message.ends_with("cannot be set when runtime is automatic");
        let is_error = matches!(builder.level, Level::Bug | Level::Fatal | Level::PhaseFatal | Level::Error);
        self.add(Complaint {
            severity: if is_error && !is_idle { Severity::Error } else { Severity::Warning },
            code: Code::Syntax,
            span: builder.span.primary_span(),
            message: fragment(&message),
            hint: None,
        });
    }
}

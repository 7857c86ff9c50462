//! `accessor` fields, where TypeScript's own decorators hold. In: a tree with types. Out: the same, each
//! such field a private one with a getter, which has its decorators, and a setter.

use swc_core::common::{DUMMY_SP, Span};
use swc_core::ecma::ast::{
    AssignExpr, AssignOp, AutoAccessor, Class, ClassMember, ClassMethod, Expr, ExprStmt, Function, FunctionBody, Ident,
    Key, MemberExpr, MemberProp, MethodKind, Param, Pat, PrivateMethod, PrivateName, PrivateProp, Program, PropName,
    ReturnStmt, Stmt, ThisExpr,
};
use swc_core::ecma::utils::private_ident;
use swc_core::ecma::visit::{VisitMut, VisitMutWith};

/// Removes those that are abstract, as they are types.
pub(super) fn drop_abstract(program: &mut Program) {
    struct Abstract;
    impl VisitMut for Abstract {
        fn visit_mut_class_members(&mut self, members: &mut Vec<ClassMember>) {
            members.retain(|member| !matches!(member, ClassMember::AutoAccessor(accessor) if accessor.is_abstract));
            members.visit_mut_children_with(self);
        }
    }
    program.visit_mut_with(&mut Abstract);
}

/// Lowers those whose names are known.
pub(super) fn lower(program: &mut Program) {
    program.visit_mut_with(&mut Accessors);
}

struct Accessors;

impl VisitMut for Accessors {
    fn visit_mut_class(&mut self, class: &mut Class) {
        class.visit_mut_children_with(self);
        class.body = std::mem::take(&mut class.body)
            .into_iter()
            .flat_map(|member| match member {
                ClassMember::AutoAccessor(accessor) => apart(accessor),
                other => vec![other],
            })
            .collect();
    }
}

fn apart(accessor: AutoAccessor) -> Vec<ClassMember> {
    let name = match &accessor.key {
        Key::Public(PropName::Ident(name)) => name.sym.clone(),
        Key::Private(name) => name.name.clone(),
        // A name that is not known is for swc, which works it out once.
        Key::Public(_) => return vec![ClassMember::AutoAccessor(accessor)],
    };
    let AutoAccessor { span, key, value, type_ann, is_static, decorators, .. } = accessor;
    let storage = PrivateName { span: DUMMY_SP, name: format!("{name}_accessor_storage").into() };
    let stored = MemberExpr {
        span: DUMMY_SP,
        obj: Box::new(Expr::This(ThisExpr { span: DUMMY_SP })),
        prop: MemberProp::PrivateName(storage.clone()),
    };
    let field = PrivateProp { span, key: storage, value, is_static, ..Default::default() };
    let read = Stmt::Return(ReturnStmt { span: DUMMY_SP, arg: Some(stored.clone().into()) });
    let getter = Function { decorators, return_type: type_ann, ..function(span, Vec::new(), read) };
    let given = private_ident!("value");
    let write = AssignExpr {
        span: DUMMY_SP,
        op: AssignOp::Assign,
        left: stored.into(),
        right: Box::new(Expr::Ident(given.clone())),
    };
    let write = Stmt::Expr(ExprStmt { span: DUMMY_SP, expr: write.into() });
    let setter = function(span, vec![given], write);
    vec![
        ClassMember::PrivateProp(field),
        method(&key, is_static, MethodKind::Getter, getter),
        method(&key, is_static, MethodKind::Setter, setter),
    ]
}

fn function(span: Span, parameters: Vec<Ident>, statement: Stmt) -> Function {
    let parameter = |name: Ident| Param { span: DUMMY_SP, decorators: Vec::new(), pat: Pat::Ident(name.into()) };
    Function {
        span,
        params: parameters.into_iter().map(parameter).collect(),
        body: Some(FunctionBody { span: DUMMY_SP, stmts: vec![statement] }),
        ..Default::default()
    }
}

fn method(key: &Key, is_static: bool, kind: MethodKind, function: Function) -> ClassMember {
    let (span, function) = (function.span, Box::new(function));
    match key.clone() {
        Key::Public(key) => {
            ClassMember::Method(ClassMethod { span, key, function, kind, is_static, ..Default::default() })
        }
        Key::Private(key) => {
            ClassMember::PrivateMethod(PrivateMethod { span, key, function, kind, is_static, ..Default::default() })
        }
    }
}

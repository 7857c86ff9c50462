//! Fields that are assigned and not defined, as TypeScript has them before ES2022 (`[[Set]]` and not
//! `[[Define]]`). In: a tree without types. Out: the same, its public fields initialised in
//! constructors and static blocks. Private fields stay declared where they are.

use swc_core::common::{DUMMY_SP, Span};
use swc_core::ecma::ast::{
    AssignExpr, AssignOp, AssignTarget, BlockStmt, Class, ClassMember, ClassProp, ComputedPropName, Expr, ExprStmt,
    Lit, MemberExpr, MemberProp, PrivateProp, Program, PropName, SimpleAssignTarget, StaticBlock, Stmt, ThisExpr,
};
use swc_core::ecma::utils::constructor::inject_after_super;
use swc_core::ecma::utils::default_constructor_with_span;
use swc_core::ecma::visit::{VisitMut, VisitMutWith};

/// Rewrites every class.
pub(super) fn assign(program: &mut Program) {
    program.visit_mut_with(&mut Fields);
}

struct Fields;

impl VisitMut for Fields {
    fn visit_mut_class(&mut self, class: &mut Class) {
        class.visit_mut_children_with(self);
        let mut initial = Vec::new();
        class.body = std::mem::take(&mut class.body)
            .into_iter()
            .filter_map(|member| match member {
                ClassMember::ClassProp(field) if is_known(&field.key) => assigned(field, &mut initial),
                ClassMember::PrivateProp(mut field) if !field.is_static => {
                    // In its turn: another's value may depend on it.
                    initial.extend(private(&mut field));
                    Some(ClassMember::PrivateProp(field))
                }
                other => Some(other),
            })
            .collect();
        if initial.is_empty() {
            return;
        }
        let initial = initial.into_iter().map(Box::new).collect();
        let constructor = class.body.iter_mut().find_map(|member| match member {
            ClassMember::Constructor(constructor) => Some(constructor),
            _ => None,
        });
        if let Some(constructor) = constructor {
            inject_after_super(constructor, initial);
        } else {
            let mut constructor = default_constructor_with_span(class.super_class.is_some(), class.span);
            inject_after_super(&mut constructor, initial);
            class.body.insert(0, ClassMember::Constructor(constructor));
        }
    }
}

/// A key that is worked out stays in its place, where it is worked out once; so does its field.
fn is_known(key: &PropName) -> bool {
    match key {
        PropName::Computed(computed) => matches!(*computed.expr, Expr::Lit(Lit::Str(_) | Lit::Num(_))),
        _ => true,
    }
}

/// A static field becomes a static block; another is left to the constructor. One without a value is none.
fn assigned(field: ClassProp, initial: &mut Vec<Expr>) -> Option<ClassMember> {
    let ClassProp { span, key, value, is_static, .. } = field;
    let property = match key {
        PropName::Ident(name) => MemberProp::Ident(name),
        PropName::Computed(computed) => MemberProp::Computed(computed),
        PropName::Str(name) => computed(Expr::from(name)),
        PropName::Num(number) => computed(Expr::from(number)),
        PropName::BigInt(number) => computed(Expr::from(number)),
    };
    let assignment = assignment(span, property, value?);
    if is_static {
        let statement = Stmt::Expr(ExprStmt { span, expr: Box::new(assignment) });
        let body = BlockStmt { span: DUMMY_SP, stmts: vec![statement], ..Default::default() };
        return Some(ClassMember::StaticBlock(StaticBlock { span, body }));
    }
    initial.push(assignment);
    None
}

fn computed(key: Expr) -> MemberProp {
    MemberProp::Computed(ComputedPropName { span: DUMMY_SP, expr: Box::new(key) })
}

fn private(field: &mut PrivateProp) -> Option<Expr> {
    let value = field.value.take()?;
    Some(assignment(field.span, MemberProp::PrivateName(field.key.clone()), value))
}

fn assignment(span: Span, prop: MemberProp, right: Box<Expr>) -> Expr {
    let this = Box::new(Expr::This(ThisExpr { span: DUMMY_SP }));
    let left = AssignTarget::Simple(SimpleAssignTarget::Member(MemberExpr { span: DUMMY_SP, obj: this, prop }));
    Expr::Assign(AssignExpr { span, op: AssignOp::Assign, left, right })
}

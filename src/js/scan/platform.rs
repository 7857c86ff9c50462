//! What runs on some platforms alone. In: the test of a branch. Out: conditions on the target, which are
//! decided where the target is known; a scan is the same for all.

use borsh::{BorshDeserialize, BorshSerialize};
use swc_core::ecma::ast::{BinaryOp, Expr, Stmt, SwitchCase, UnaryOp};

use super::evaluate::Scope;
use super::value::{ARCHITECTURE, PLATFORM, UNKNOWN, Value};
use crate::js::literal::unwrapped;

/// Two texts, at least one of them with a mark, that are the same on some platforms: one of these pairs.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Condition {
    any: Vec<(String, String)>,
    negated: bool,
}

/// How deep tests are looked into.
const DEEPEST: u32 = 8;

/// What holds in a branch, and what in the other.
#[derive(Debug, Default)]
pub(super) struct Branches {
    pub(super) taken: Vec<Condition>,
    pub(super) other: Vec<Condition>,
}

impl Condition {
    /// Does it hold where marks are written so?
    pub fn holds(&self, written: &dyn Fn(&str) -> String) -> bool {
        self.any.iter().any(|(one, other)| written(one) == written(other)) != self.negated
    }

    fn not(&self) -> Self {
        Self { negated: !self.negated, ..self.clone() }
    }
}

/// Puts the platform in the place of its marks.
pub fn written_for(text: &str, platform: &str, arch: &str) -> String {
    text.replace(PLATFORM, platform).replace(ARCHITECTURE, arch)
}

impl Scope<'_> {
    /// What a test says of the platform.
    pub(super) fn branches(&self, test: &Expr) -> Branches {
        self.branches_at(test, 0)
    }

    fn branches_at(&self, test: &Expr, depth: u32) -> Branches {
        if depth > DEEPEST {
            return Branches::default();
        }
        match unwrapped(test) {
            Expr::Unary(unary) if unary.op == UnaryOp::Bang => {
                let Branches { taken, other } = self.branches_at(&unary.arg, depth + 1);
                Branches { taken: other, other: taken }
            }
            Expr::Bin(test) => match test.op {
                BinaryOp::EqEq | BinaryOp::EqEqEq | BinaryOp::NotEq | BinaryOp::NotEqEq => {
                    let is_negated = matches!(test.op, BinaryOp::NotEq | BinaryOp::NotEqEq);
                    let pair = self.pair(&self.only(&test.left), &test.right);
                    let conditions = pair.map(|pair| Condition { any: vec![pair], negated: is_negated });
                    let taken: Vec<Condition> = conditions.into_iter().collect();
                    Branches { other: taken.iter().map(Condition::not).collect(), taken }
                }
                BinaryOp::LogicalAnd => {
                    let taken =
                        [self.branches_at(&test.left, depth + 1).taken, self.branches_at(&test.right, depth + 1).taken]
                            .concat();
                    Branches { taken, other: Vec::new() }
                }
                BinaryOp::LogicalOr => {
                    let (left, right) =
                        (self.branches_at(&test.left, depth + 1), self.branches_at(&test.right, depth + 1));
                    let either = match (left.taken.as_slice(), right.taken.as_slice()) {
                        ([one], [other]) if !one.negated && !other.negated => {
                            Some(Condition { any: [one.any.clone(), other.any.clone()].concat(), negated: false })
                        }
                        _ => None,
                    };
                    Branches { taken: either.into_iter().collect(), other: [left.other, right.other].concat() }
                }
                _ => Branches::default(),
            },
            _ => Branches::default(),
        }
    }

    fn pair(&self, left: &Value, right: &Expr) -> Option<(String, String)> {
        let right = self.only(right);
        let (left, right) = (left.as_text()?, right.as_text()?);
        let is_of_platform = |text: &str| text.contains([PLATFORM, ARCHITECTURE]);
        let is_known = !left.contains(UNKNOWN) && !right.contains(UNKNOWN);
        (is_known && (is_of_platform(left) || is_of_platform(right))).then(|| (left.to_owned(), right.to_owned()))
    }

    /// What holds in each case of a `switch`.
    pub(super) fn cases(&self, discriminant: &Expr, cases: &[SwitchCase]) -> Vec<Vec<Condition>> {
        let discriminant = self.only(discriminant);
        let mut open: Option<Vec<(String, String)>> = Some(Vec::new());
        let mut conditions = Vec::new();
        for case in cases {
            let pair = case.test.as_ref().and_then(|test| self.pair(&discriminant, test));
            // Who may come from above, or for any other reason, is under no condition.
            open = open.zip(pair).map(|(mut open, pair)| {
                open.push(pair);
                open
            });
            conditions.push(open.iter().map(|any| Condition { any: any.clone(), negated: false }).collect());
            let ends = case.cons.last().is_some_and(|last| match last {
                Stmt::Block(block) => block.stmts.last().is_some_and(is_end),
                last => is_end(last),
            });
            if ends {
                open = Some(Vec::new());
            }
        }
        conditions
    }
}

fn is_end(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Break(_) | Stmt::Return(_) | Stmt::Throw(_) | Stmt::Continue(_))
}

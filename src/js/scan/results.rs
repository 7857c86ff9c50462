//! What calls give. In: a callee and its arguments. Out: values; of Node's functions, of a few methods, of
//! what compilers and bundlers wrap around requests. Never runs anything.

use std::cell::OnceCell;

use swc_core::ecma::ast::{Expr, ExprOrSpread};

use super::evaluate::{Scope, of_object, product, unknown};
use super::node;
use super::operators::{method, of_literal};
use super::value::{PARAMETERS, Returned, Value, Values, parameter, weight};
use crate::js::literal::{member_name, unwrapped};

/// How many texts are put together in the time that an expression takes.
const CHEAP: u32 = 16;

impl Scope<'_> {
    pub(super) fn call(&self, callee: &Expr, arguments: &[ExprOrSpread]) -> Values {
        let known = Arguments::new(self, arguments);
        if let Some(values) = self.interop(callee, &known) {
            return values;
        }
        let callee = match self.method(unwrapped(callee), arguments) {
            None => self.callee(callee),
            Some(Method::Result(values)) => return values,
            Some(Method::Function(function)) => function,
        };
        match callee {
            Value::Node(function) => self.of_node(&function, arguments),
            Value::Require(_) => match known.first().first() {
                Some(Value::Text(specifier)) => vec![node::module(specifier).unwrap_or(Value::Unknown)],
                _ => unknown(),
            },
            Value::Function(function) if function.requires.is_none() => self.returned(&function, &known),
            _ => self.numbered(arguments),
        }
    }

    /// What a function of the file returns.
    fn returned(&self, function: &Returned, arguments: &Arguments<'_, '_>) -> Values {
        if function.imports
            && let Some(module) = arguments.first().iter().find(|value| matches!(value, Value::Node(_)))
        {
            return vec![module.clone()];
        }
        let mut values: Values = Vec::new();
        for text in &function.texts {
            let mut texts = vec![text.to_string()];
            for index in 0..PARAMETERS {
                let Some(mark) = parameter(index).filter(|mark| text.contains(*mark)) else { continue };
                let given = arguments.get(index);
                texts = product(&texts, given, |text, value| text.replace(mark, &value.to_text()));
                self.spend(u32::try_from(texts.len()).unwrap_or(u32::MAX) / CHEAP);
            }
            values.extend(texts.into_iter().map(Value::text));
        }
        values.extend(function.values.iter().cloned());
        if values.is_empty() || function.values == [Value::Unknown] && function.texts.is_empty() {
            self.numbered(arguments.written)
        } else {
            values
        }
    }

    /// Compilers wrap what is required: `__importDefault(require('path'))`.
    fn interop(&self, callee: &Expr, arguments: &Arguments<'_, '_>) -> Option<Values> {
        let mut name = match unwrapped(callee) {
            Expr::Ident(ident) => ident.sym.to_string(),
            Expr::Member(member) => {
                let of = member.obj.as_ident().map(|of| of.sym.to_string()).unwrap_or_default();
                of + &member_name(&member.prop)?
            }
            _ => return None,
        };
        name.make_ascii_lowercase();
        name.retain(|letter| letter != '_');
        const WRAPPERS: [&str; 6] =
            ["interoprequire", "interopdefault", "interopnamespace", "toesm", "importstar", "importdefault"];
        // webpack's `require.n(module)` gives a function that gives the module.
        let is_getter =
            unwrapped(callee).as_member().and_then(|member| member_name(&member.prop)).as_deref() == Some("n");
        if !is_getter && !WRAPPERS.iter().any(|wrapper| name.contains(wrapper)) {
            return None;
        }
        let module = arguments.first()[0].clone();
        match module {
            Value::Node(_) if is_getter => {
                let returned = Returned { values: vec![module], ..Returned::default() };
                Some(vec![Value::function(returned)])
            }
            Value::Node(_) => Some(vec![module]),
            _ => None,
        }
    }

    /// A module of Node that a bundle gives a number.
    fn numbered(&self, arguments: &[ExprOrSpread]) -> Values {
        let names = self.names.borrow();
        let [argument] = arguments else { return unknown() };
        if names.numbered.is_empty() {
            return unknown();
        }
        let key = match unwrapped(&argument.expr) {
            Expr::Lit(literal) => of_literal(literal).to_text(),
            _ => return unknown(),
        };
        names.numbered.get(&key).map_or_else(unknown, |module| vec![module.clone()])
    }

    /// `'a'.concat(b)`, `[a, b].join('/')`; what it is if it is none of these, but called like one.
    fn method(&self, callee: &Expr, arguments: &[ExprOrSpread]) -> Option<Method> {
        let member = callee.as_member()?;
        let name = member_name(&member.prop)?;
        if !matches!(name.as_str(), "concat" | "join" | "toString") {
            return None;
        }
        let values = self.values(&member.obj);
        let is_data = |value: &Value| matches!(value, Value::Text(_) | Value::Array(_));
        if !values.iter().any(is_data) {
            return Some(Method::Function(of_object(&values[0], &name, self.extension).swap_remove(0)));
        }
        let mut calls: Vec<Vec<Value>> = values.into_iter().map(|value| vec![value]).collect();
        for argument in arguments {
            let values = if argument.spread.is_some() { unknown() } else { self.values(&argument.expr) };
            calls = one_more(calls, &values);
        }
        self.spend(weight(calls.iter().flatten()));
        Some(Method::Result(calls.iter().map(|call| method(&name, &call[0], &call[1..])).collect()))
    }

    pub(super) fn of_node(&self, function: &str, arguments: &[ExprOrSpread]) -> Values {
        let mut calls: Vec<Vec<Value>> = vec![Vec::new()];
        for argument in arguments {
            let values = self.values(&argument.expr);
            if argument.spread.is_none() {
                calls = one_more(calls, &values);
                continue;
            }
            let [Value::Array(items)] = values.as_slice() else { return unknown() };
            self.spend(weight(&values));
            for item in items.iter() {
                calls = one_more(calls, item);
            }
        }
        calls.iter().map(|call| node::call(function, call)).collect()
    }
}

/// What a call is given. Each argument is looked at once, if at all: twice, and again within it, would take
/// for ever.
struct Arguments<'a, 's> {
    scope: &'a Scope<'s>,
    written: &'a [ExprOrSpread],
    known: Vec<OnceCell<Values>>,
}

impl<'a, 's> Arguments<'a, 's> {
    fn new(scope: &'a Scope<'s>, written: &'a [ExprOrSpread]) -> Self {
        Self { scope, written, known: vec![OnceCell::new(); PARAMETERS] }
    }

    /// What a parameter may be; never empty.
    fn get(&self, index: usize) -> &Values {
        self.known[index].get_or_init(|| match self.written.get(index) {
            Some(argument) if self.written[..=index].iter().all(|one| one.spread.is_none()) => {
                self.scope.values(&argument.expr)
            }
            _ => unknown(),
        })
    }

    fn first(&self) -> &Values {
        self.get(0)
    }
}

/// What the call of a method comes to.
enum Method {
    /// Its result.
    Result(Values),
    /// What is called, if nothing can be said of the result.
    Function(Value),
}

/// Calls with one more argument, which may be any of these.
fn one_more(mut calls: Vec<Vec<Value>>, values: &[Value]) -> Vec<Vec<Value>> {
    if let [value] = values {
        calls.iter_mut().for_each(|call| call.push(value.clone()));
        return calls;
    }
    product(&calls, values, |call, value| [call.as_slice(), std::slice::from_ref(value)].concat())
}

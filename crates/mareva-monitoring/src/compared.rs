//! What the conditions of a rule compare a column with.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, Operator};

use crate::plan::RulePlan;

impl RulePlan {
    /// The texts that its conditions compare a column with.
    pub fn texts_compared_with(&self, column: &str) -> BTreeSet<String> {
        self.compared(column, false)
    }

    /// The same, and texts that it must not be.
    pub fn texts_named_with(&self, column: &str) -> BTreeSet<String> {
        self.compared(column, true)
    }

    fn compared(&self, column: &str, unequal: bool) -> BTreeSet<String> {
        let of_windows = self.windows.iter().flat_map(|window| window.atoms.iter().chain(&window.argument));
        let outputs = self.outputs.iter().map(|(_, expr)| expr);
        let mut texts = BTreeSet::new();
        let is_column = |expr: &Expr| matches!(expr, Expr::Column(found) if found.name == column);
        // What COALESCE puts in the place of null is no value of the column.
        let is_it = |expr: &Expr| match expr {
            Expr::ScalarFunction(function) => {
                function.name() == "coalesce" && function.args.first().is_some_and(is_column)
            }
            expr => is_column(expr),
        };
        let mut note = |compared: &Expr, expr: &Expr| {
            let stands_for_null = matches!(compared, Expr::ScalarFunction(function) if function.args.contains(expr));
            if let (false, Expr::Literal(ScalarValue::Utf8(Some(text)), _)) = (stands_for_null, expr) {
                texts.insert(text.clone());
            }
        };
        for expr in self.gate.iter().chain(&self.qualify).chain(of_windows).chain(outputs) {
            // It fails on nothing: the closure gives no error.
            _ = expr.apply(|part| {
                match part {
                    Expr::BinaryExpr(binary)
                        if binary.op == Operator::Eq || (unequal && binary.op == Operator::NotEq) =>
                    {
                        for (one, other) in [(&binary.left, &binary.right), (&binary.right, &binary.left)] {
                            if is_it(one) {
                                note(one, other);
                            }
                        }
                    }
                    Expr::InList(list) if (unequal || !list.negated) && is_it(&list.expr) => {
                        list.list.iter().for_each(|text| note(&list.expr, text));
                    }
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            });
        }
        texts
    }
}

"""Detection on lab traffic with known truth: what is found, what is missed, who is wrongly accused."""

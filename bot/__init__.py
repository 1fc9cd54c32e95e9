"""posbot: a support bot for merchants whose UnionPay POS terminal gives trouble."""

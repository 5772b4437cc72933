"""Gates: each a question with an answer, a time limit and a reason."""

"""Student's t distribution: the logarithm of its survival function, accurate far out in both tails.

    P(T > t) = I_x(nu/2, 1/2) / 2  for t > 0,  x = nu / (nu + t^2)

with the regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8), evaluated from
the front by Lentz's method; the fraction is used on the side where it converges fast, by I_x(a, b) = 1 - I_(1-x)(b, a).
"""

from math import exp, expm1, fabs, lgamma, log, log1p

ROUNDS_MAX = 500
PRECISION = 1e-15
_TINY = 1e-300


def log_survival(t: float, freedom: float) -> float:
    """log P(T > t) for T with `freedom` > 0 degrees of freedom (need not be whole)."""
    if t == 0:
        return log(0.5)
    upper = _log_half_beta(t * t / freedom, freedom)
    return upper if t > 0 else log1p(-exp(upper))


def _log_half_beta(square: float, freedom: float) -> float:
    """log P(T > |t|), `square` = t^2 / freedom. x = 1 / (1 + square) and 1 - x are both had without cancellation."""
    a, b = freedom / 2, 0.5
    log_x, log_rest = -log1p(square), log(square) - log1p(square)
    front = a * log_x + b * log_rest + lgamma(a + b) - lgamma(a) - lgamma(b)
    x = exp(log_x)
    if x < (a + 1) / (a + b + 2):
        return front + log(_fraction(a, b, x)) - log(a) + log(0.5)
    inner = front + log(_fraction(b, a, exp(log_rest))) - log(b)
    return log(-expm1(inner)) + log(0.5) if inner < 0 else log(_TINY)


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of I_x(a, b), after Lentz. Converges in a few rounds for x < (a + 1) / (a + b + 2)."""
    c, d = 1.0, 1 / _kept_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, ROUNDS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _kept_from_zero(1 + term * d)
            c = _kept_from_zero(1 + term / c)
            value *= d * c
        if fabs(d * c - 1) < PRECISION:
            break
    return value


def _kept_from_zero(value: float) -> float:
    return value if fabs(value) > _TINY else _TINY

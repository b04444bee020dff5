package analyze

import "math"

// poissonTail is the natural logarithm of P(X ≥ k) for a Poisson variable of
// mean mu: an upper bound that is tight where it is small. Below the mean it is 0.
func poissonTail(k int, mu float64) float64 {
	x := float64(k)
	if k <= 0 || x <= mu {
		return 0
	}
	if mu <= 0 {
		return math.Inf(-1)
	}
	// The first term of the sum, and the rest as a geometric series:
	// P(X ≥ k) ≤ P(X = k) / (1 − mu/(k+1)).
	fact, _ := math.Lgamma(x + 1)
	return min(0, x*math.Log(mu)-mu-fact-math.Log1p(-mu/(x+1)))
}

// allFrom is the natural logarithm of the probability that h things drawn of
// total without replacement are all among m of them: hypergeometric.
func allFrom(h, m, total int) float64 {
	if h > m {
		return math.Inf(-1)
	}
	return min(0, logChoose(m, h)-logChoose(total, h))
}

// logChoose is the natural logarithm of n over k.
func logChoose(n, k int) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// sameness is the natural logarithm of the probability that n phases, drawn at
// random, agree as well as to a mean vector of length r. Near 1 the set of such
// phases is a ball in n − 1 dimensions (what is common to all is free) of radius
// √(2n(1−r)), so its share of the torus is the volume of that ball times √n over
// (2π)ⁿ⁻¹. Farther off, Rayleigh's bound exp(−n r²) is larger, and is taken.
func sameness(n int, r float64) float64 {
	const near = 0.9
	rayleigh := -float64(n) * r * r
	if r < near || n < 3 {
		return rayleigh
	}
	d := float64(n - 1)
	fact, _ := math.Lgamma(d/2 + 1)
	radius := math.Sqrt(2 * float64(n) * max(1-r, 1e-12))
	ball := d/2*math.Log(math.Pi) - fact + d*math.Log(radius)
	return min(0, 0.5*math.Log(float64(n))+ball-d*math.Log(2*math.Pi))
}

// Activations: y[i] = f(x[i]), and dx[i] = f'(x[i]) dy[i]. How threads share the numbers is in packs.cuh; here is what differs, f and f'.
//
// Where the slope can be told from y, backward reads y, which the next layer keeps anyway: ReLU, ReLU6, sigmoid, tanh. The others read x.
#include "packs.cuh"

// 1 / (1 + exp(-v)). Far below 0 the exponential becomes infinite, and 1 / (1 + infinity) = 0 is right.
__device__ __forceinline__ REAL logistic(REAL v) { return REAL(1) / (REAL(1) + exp(-v)); }

// f(v) = max(v, 0). A NaN is not below 0, and stays.
extern "C" __global__ void relu(const STORE* x, STORE* y, long long count) {
  each(x, y, count, [](REAL v) { return v < REAL(0) ? REAL(0) : v; });
}

// f' = 1 where y > 0, which is where v > 0.
extern "C" __global__ void relu_dx(const STORE* dy, const STORE* y, STORE* dx, long long count) {
  each(dy, y, dx, count, [](REAL g, REAL f) { return f > REAL(0) ? g : REAL(0); });
}

// f(v) = v for v > 0, else slope v.
extern "C" __global__ void leaky_relu(const STORE* x, STORE* y, double negative_slope, long long count) {
  const REAL slope = REAL(negative_slope);
  each(x, y, count, [slope](REAL v) { return v > REAL(0) ? v : slope * v; });
}

// f' = 1 for v > 0, else slope.
extern "C" __global__ void leaky_relu_dx(const STORE* dy, const STORE* x, STORE* dx, double negative_slope, long long count) {
  const REAL slope = REAL(negative_slope);
  each(dy, x, dx, count, [slope](REAL g, REAL v) { return v > REAL(0) ? g : slope * g; });
}

// f(v) = min(max(v, 0), 6)
extern "C" __global__ void relu6(const STORE* x, STORE* y, long long count) {
  each(x, y, count, [](REAL v) { return v < REAL(0) ? REAL(0) : v > REAL(6) ? REAL(6) : v; });
}

// f' = 1 where 0 < y < 6.
extern "C" __global__ void relu6_dx(const STORE* dy, const STORE* y, STORE* dx, long long count) {
  each(dy, y, dx, count, [](REAL g, REAL f) { return f > REAL(0) && f < REAL(6) ? g : REAL(0); });
}

// f(v) = 1 / (1 + exp(-v))
extern "C" __global__ void sigmoid(const STORE* x, STORE* y, long long count) {
  each(x, y, count, [](REAL v) { return logistic(v); });
}

// f' = f (1 - f)
extern "C" __global__ void sigmoid_dx(const STORE* dy, const STORE* y, STORE* dx, long long count) {
  each(dy, y, dx, count, [](REAL g, REAL f) { return f * (REAL(1) - f) * g; });
}

// f(v) = (exp(v) - exp(-v)) / (exp(v) + exp(-v))
extern "C" __global__ void hyperbolic_tangent(const STORE* x, STORE* y, long long count) {
  each(x, y, count, [](REAL v) { return tanh(v); });
}

// f' = 1 - f²
extern "C" __global__ void hyperbolic_tangent_dx(const STORE* dy, const STORE* y, STORE* dx, long long count) {
  each(dy, y, dx, count, [](REAL g, REAL f) { return (REAL(1) - f * f) * g; });
}

// f(v) = v s(v) with the sigmoid s.
extern "C" __global__ void silu(const STORE* x, STORE* y, long long count) {
  each(x, y, count, [](REAL v) { return v * logistic(v); });
}

// f' = s + v s' = s (1 + v (1 - s)), by the product rule.
extern "C" __global__ void silu_dx(const STORE* dy, const STORE* x, STORE* dx, long long count) {
  each(dy, x, dx, count, [](REAL g, REAL v) {
    const REAL s = logistic(v);
    return s * (REAL(1) + v * (REAL(1) - s)) * g;
  });
}

// f(v) = v min(max(v + 3, 0), 6) / 6
extern "C" __global__ void hardswish(const STORE* x, STORE* y, long long count) {
  each(x, y, count, [](REAL v) {
    const REAL u = v + REAL(3);
    return v * (u < REAL(0) ? REAL(0) : u > REAL(6) ? REAL(6) : u) / REAL(6);
  });
}

// f'(v) = 0 for v <= -3, (2 v + 3) / 6 up to 3, 1 from there on.
extern "C" __global__ void hardswish_dx(const STORE* dy, const STORE* x, STORE* dx, long long count) {
  each(dy, x, dx, count, [](REAL g, REAL v) { return v <= REAL(-3) ? REAL(0) : v < REAL(3) ? (REAL(2) * v + REAL(3)) / REAL(6) * g : g; });
}

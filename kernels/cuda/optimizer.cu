// The updates of optimisers, for all parameters of a group at once. The formulas are those of minicnn/optim, with its symbols:
//
//   array 0   theta, the parameter
//   array 1   g, the gradient
//   from 2 on what the optimiser remembers of each parameter; null if its options say that nothing is
//
// What holds for the whole group (the learning rate, decays, and what follows from the number of the step) is read from memory, `numbers`: so a recorded graph can be
// launched again at another learning rate. `skip`, if it is given, points to an integer: if that is not 0, no parameter is touched (see gradients.cu).
#include "tensors.cuh"

// Arrays that an update changes: all but the gradient.
constexpr int ALL_BUT_GRADIENT = 0b11101;

struct Numbers {
  double value[12];
};

// Puts numbers that Python has computed where kernels read them.
extern "C" __global__ void set_numbers(double* __restrict__ numbers, Numbers given) { numbers[threadIdx.x] = given.value[threadIdx.x]; }

// g += decay theta;  v = momentum v + g;  theta -= lr v, or with Nesterov's momentum lr (g + momentum v)
extern "C" __global__ void sgd(Tensors tensors, const double* __restrict__ numbers, const int* __restrict__ skip) {
  if (skip && *skip) return;
  const REAL lr = numbers[0], momentum = numbers[1], decay = numbers[2];
  const bool nesterov = numbers[3] != 0;
  for_each_place<ALL_BUT_GRADIENT>(tensors, [=](REAL* x) {
    REAL &theta = x[0], &v = x[2], g = x[1];
    if (decay != 0) g += decay * theta;
    v = momentum * v + g;
    theta -= lr * (nesterov ? g + momentum * v : v);
  });
}

// theta *= keep;  g += decay theta;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;  theta -= rate m / (sqrt(v) / root + eps)
// with rate = lr / (1 - beta1^t), root = sqrt(1 - beta2^t). Adam: keep = 1; AdamW: decay = 0.
extern "C" __global__ void adam(Tensors tensors, const double* __restrict__ numbers, const int* __restrict__ skip) {
  if (skip && *skip) return;
  const REAL beta1 = numbers[0], rest1 = numbers[1], beta2 = numbers[2], rest2 = numbers[3], eps = numbers[4];
  const REAL decay = numbers[5], keep = numbers[6], rate = numbers[7], root = numbers[8];
  for_each_place<ALL_BUT_GRADIENT>(tensors, [=](REAL* x) {
    REAL &theta = x[0], &m = x[2], &v = x[3], g = x[1];
    if (decay != 0) g += decay * theta;
    theta *= keep;
    m = beta1 * m + rest1 * g;
    v = beta2 * v + rest2 * (g * g);
    theta -= m / (sqrt(v) / root + eps) * rate;
  });
}

// g += decay theta;  s = alpha s + (1 - alpha) g^2;  mu = alpha mu + (1 - alpha) g if centered, else 0;  d = g / (sqrt(max(0, s - mu^2)) + eps);
// v = momentum v + d;  theta -= lr v
extern "C" __global__ void rmsprop(Tensors tensors, const double* __restrict__ numbers, const int* __restrict__ skip) {
  if (skip && *skip) return;
  const REAL lr = numbers[0], alpha = numbers[1], rest = numbers[2], eps = numbers[3], decay = numbers[4], momentum = numbers[5];
  const bool centered = numbers[6] != 0;
  for_each_place<ALL_BUT_GRADIENT>(tensors, [=](REAL* x) {
    REAL &theta = x[0], &s = x[2], &mu = x[3], &v = x[4], g = x[1];
    if (decay != 0) g += decay * theta;
    s = alpha * s + rest * (g * g);
    REAL variance = s;
    if (centered) {
      mu = alpha * mu + rest * g;
      variance = s - mu * mu;
      if (variance < 0) variance = 0;  // by rounding, where the gradient hardly changes
    }
    v = momentum * v + g / (sqrt(variance) + eps);
    theta -= lr * v;
  });
}

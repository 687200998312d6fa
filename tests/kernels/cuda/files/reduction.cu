// Sums the numbers of each block in shared memory: every step adds the upper half of what is left to the lower half.
// Macros that leave something out: NO_BARRIER, the one between two steps; NO_SECOND_BARRIER, the one after a tile was used.

extern "C" __global__ void sum(const float* x, float* y) {
  __shared__ float partial[64];
  const int t = threadIdx.x;
  partial[t] = x[blockIdx.x * 64 + t];
  for (int half = 32; half > 0; half /= 2) {
#ifndef NO_BARRIER
    __syncthreads();
#endif
    if (t < half) partial[t] += partial[t + half];
  }
  if (t == 0) y[blockIdx.x] = partial[0];
}

// y[i] = the sum of x[j][i] over j, weighted with w[j], which a tile of shared memory holds 8 at a time. One block of 32 threads.
extern "C" __global__ void weighted(const float* x, const float* w, float* y, int n) {
  __shared__ float tile[8];
  const int t = threadIdx.x;
  float sum = 0;
  for (int start = 0; start < n; start += 8) {
    if (t < 8) tile[t] = w[start + t];
    __syncthreads();
    for (int j = 0; j < 8; j++) sum += tile[j] * x[(start + j) * 32 + t];
#ifndef NO_SECOND_BARRIER
    __syncthreads();
#endif
  }
  y[t] = sum;
}

// Writes down in which order threads and blocks took their turns. Before the barrier and behind it.
extern "C" __global__ void turns(int* counter, int* before, int* behind, int* block) {
  const int number = blockIdx.x * blockDim.x + threadIdx.x;
  before[number] = atomicAdd(counter, 1);
  if (threadIdx.x == 0) block[blockIdx.x] = atomicAdd(counter + 1, 1);
  __syncthreads();
  behind[number] = atomicAdd(counter, 1);
}

// What an earlier block left in shared memory must not be there.
extern "C" __global__ void leftovers(float* y) {
  __shared__ float s[32];
  extern __shared__ float d[];
  y[blockIdx.x * 64 + threadIdx.x] = s[threadIdx.x];
  y[blockIdx.x * 64 + 32 + threadIdx.x] = d[threadIdx.x];
  s[threadIdx.x] = d[threadIdx.x] = 1;
}

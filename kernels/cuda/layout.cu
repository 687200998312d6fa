// Changes the order of numbers in memory.
#include "numbers.cuh"

// A stack of matrices, each transposed: x (B, M, N) to y (B, N, M). A tile goes through shared memory, so that neighbouring
// threads read neighbours and write neighbours; the odd row length keeps a column's numbers in different banks.
extern "C" __global__ void transpose(const STORE* __restrict__ x, STORE* __restrict__ y, int M, int N) {
  __shared__ STORE tile[32][33];
  const size_t matrix = (size_t)blockIdx.z * M * N;
  const int n = blockIdx.x * 32 + threadIdx.x, m = blockIdx.y * 32 + threadIdx.y;
  for (int i = 0; i < 32; i += 8)
    if (n < N && m + i < M) tile[threadIdx.y + i][threadIdx.x] = x[matrix + (size_t)(m + i) * N + n];
  __syncthreads();
  const int row = blockIdx.x * 32 + threadIdx.y, column = blockIdx.y * 32 + threadIdx.x;
  for (int i = 0; i < 32; i += 8)
    if (column < M && row + i < N) y[matrix + (size_t)(row + i) * M + column] = tile[threadIdx.x][threadIdx.y + i];
}

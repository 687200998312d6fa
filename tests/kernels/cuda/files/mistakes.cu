// A mistake in each kernel, for the simulator to find. `// here` marks the line that it has to name.
extern "C" __global__ void divergent(float* x) {
  if (threadIdx.x < 16) {
    __syncthreads();
    x[0] = 1;
  } else {
    __syncthreads();  // here
  }
}

extern "C" __global__ void divergent_in_one_line(float* x) {
  if (threadIdx.x < 16) __syncthreads(); else __syncthreads();  // here
}

extern "C" __global__ void deadlock(float* x) {
  if (threadIdx.x < 16)
    __syncthreads();
  else
    x[0] = __shfl_xor_sync(0xffffffff, x[0], 1);  // here
}

extern "C" __global__ void returned_before(float* x) {
  if (threadIdx.x == 0) return;
  x[threadIdx.x] = __shfl_down_sync(0xffffffff, x[threadIdx.x], 1);  // here
}

extern "C" __global__ void returned_after(float* x) {
  if (threadIdx.x == 31) return;
  x[threadIdx.x] = __shfl_down_sync(0xffffffff, x[threadIdx.x], 1);  // here
}

extern "C" __global__ void not_in_mask(float* x) {
  x[threadIdx.x] = __shfl_sync(0x0000ffff, x[threadIdx.x], 0);  // here
}

extern "C" __global__ void masks_differ(float* x) {
  __syncwarp(threadIdx.x < 16 ? 0xffffffff : 0xfffffffe);  // here
}

extern "C" __global__ void primitives_differ(float* x) {
  if (threadIdx.x < 16)
    __syncwarp();
  else
    __ballot_sync(0xffffffff, 1);  // here
}

extern "C" __global__ void never_waited(float* x) {
  __shared__ alignas(16) float tile[32][4];
  copy_async_16(tile[threadIdx.x], x + 4 * threadIdx.x, 16);  // here
  copy_async_commit();
}

extern "C" __global__ void never_committed(float* x) {
  __shared__ alignas(16) float tile[32][4];
  copy_async_16(tile[threadIdx.x], x + 4 * threadIdx.x, 16);  // here
  copy_async_wait<0>();
}

extern "C" __global__ void copies_to_its_own_array(float* x) {
  copy_async_16(x, x, 16);  // here
}

extern "C" __global__ void copies_to_an_odd_address(float* x) {
  __shared__ alignas(16) float tile[8];
  copy_async_16(tile + 1, x, 16);  // here
}

extern "C" __global__ void half_a_warp(float* x) {
  unsigned a[4] = {}, b[2] = {};
  float d[4] = {};
  mma_tf32(d, a, b);  // here
}

extern "C" __global__ void declares_too_much(float* x) {
  __shared__ float s[12289];  // here
  s[threadIdx.x] = 1;
}

extern "C" __global__ void dynamic_and_declared(float* x) {
  extern __shared__ float d[];
  __shared__ float s[1024];  // here
  d[threadIdx.x] = s[threadIdx.x] = 1;
}

extern "C" __global__ void asserts(float* x) {
  const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  assert(x[thread + block * blockDim.x * blockDim.y * blockDim.z] < 5);  // here
}

extern "C" __global__ void stops(float* x) {
  if (threadIdx.x == 3) __trap();  // here
}

extern "C" __global__ void divides_by_zero(float* x) {
  x[0] = 7 / int(x[0]);
}

extern "C" __global__ void uses_nothing(float* x) {
  x[threadIdx.x] = 1;  // here
}

// Found by the memory check only.

extern "C" __global__ void reads_behind(const float* x, float* y, int n) {
  y[threadIdx.x] = x[threadIdx.x + n];  // here
}

extern "C" __global__ void writes_behind(const float* x, float* y, int n) {
  y[int(threadIdx.x) + n] = x[threadIdx.x];  // here
}

extern "C" __global__ void reads_too_early(const float* x, float* y, int n) {
  __shared__ alignas(16) float tile[32][4];
  copy_async_16(tile[threadIdx.x], x, 16);
  copy_async_commit();
  y[threadIdx.x] = tile[threadIdx.x][n];  // here
  copy_async_wait<0>();
}

extern "C" __global__ void copies_from_behind(const float* x, float* y, int n) {
  __shared__ alignas(16) float tile[4];
  copy_async_16(tile, x + n, 16);  // here
  copy_async_commit();
  copy_async_wait<0>();
}

extern "C" __global__ void never_written(const float* x, float* y, int n) {
  __shared__ float s[64];
  s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x + n];  // here
}

extern "C" __global__ void no_barrier_before_reading(const float* x, float* y, int n) {
  __shared__ float s[64];
  s[threadIdx.x + n] = s[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = s[threadIdx.x ^ 32];  // here
}

extern "C" __global__ void no_barrier_before_writing(const float* x, float* y, int n) {
  __shared__ float s[64];
  s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = s[63 - threadIdx.x];
  s[threadIdx.x] = 0;  // here
}

extern "C" __global__ void no_syncwarp(const float* x, float* y, int n) {
  __shared__ float s[32];
  s[threadIdx.x] = x[threadIdx.x];
  __syncwarp();
  s[threadIdx.x] += 1;
  y[threadIdx.x] = s[31 - threadIdx.x];  // here
}

extern "C" __global__ void two_write(const float* x, float* y, int n) {
  __shared__ float s;
  s = x[threadIdx.x];  // here
  __syncthreads();
  y[threadIdx.x] = s;
}

extern "C" __global__ void index_too_large(const float* x, float* y, int n) {
  __shared__ float s[32][4];
  for (int i = 0; i < n; i++) s[threadIdx.x][i] = x[i];  // here
  y[threadIdx.x] = s[threadIdx.x][0];
}

extern "C" __global__ void misaligned(const float* x, float* y, int n) {
  reinterpret_cast<float4*>(y + n)[0] = make_float4(1, 2, 3, 4);  // here
}

extern "C" __global__ void misaligned_in_shared_memory(const float* x, float* y, int n) {
  __shared__ float s[128];
  reinterpret_cast<float4*>(s)[threadIdx.x] = make_float4(1, 2, 3, 4);  // here
  y[threadIdx.x] = s[4 * threadIdx.x + n];
}

extern "C" __global__ void dynamic_too_small(const float* x, float* y, int n) {
  extern __shared__ float d[];
  d[threadIdx.x + n] = x[threadIdx.x];  // here
}

extern "C" __global__ void ldmatrix_outside(const float* x, float* y, int n) {
  __shared__ alignas(16) unsigned short tile[32][8];
  unsigned r[4];
  for (int i = 0; i < 8; i++) tile[threadIdx.x][i] = i;
  __syncwarp();
  ldmatrix_x4(r, tile[threadIdx.x + n]);  // here
  y[threadIdx.x] = r[0];
}

struct Table {
  unsigned long long count;
  float* arrays[2];  // whose addresses travel as numbers of 64 bits
};
extern "C" __global__ void reached_by_a_table(float* y, const Table table, int n) {
  table.arrays[1][threadIdx.x] = table.arrays[0][threadIdx.x];
  y[int(threadIdx.x) + n] = table.arrays[0][threadIdx.x];  // here
}

// Not a mistake: nothing is to be found.

extern "C" __global__ void all_write_the_same(const float* x, float* y, int n) {
  __shared__ float s;
  s = x[n];
  __syncthreads();
  y[threadIdx.x] = s;
}

extern "C" __global__ void all_write_the_same_at_last(const float* x, float* y, int n) {
  extern __shared__ float d[];
  y[threadIdx.x] = x[n];
  d[0] = x[n];
}

extern "C" __global__ void returns_before_a_barrier(const float* x, float* y, int n) {
  if (threadIdx.x >= n) return;
  __syncthreads();
  y[threadIdx.x] = x[threadIdx.x];
}

extern "C" __global__ void halves_of_a_warp(const float* x, float* y, int n) {
  const bool low = threadIdx.x % 32 < 16;
  float v = x[threadIdx.x];
  if (low) v += __shfl_xor_sync(0x0000ffff, v, 1);
  else v = __shfl_xor_sync(0xffff0000, v, 2);
  y[threadIdx.x] = v;
}

__global__ void without_extern(float* x) { x[0] = 1; }

extern "C" __global__ void spins(const float* x, float* y, int n) {
  while (((volatile float*)y)[n] == 0);
  __syncthreads();
}

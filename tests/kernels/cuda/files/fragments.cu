// Products of the tensor cores, from registers that Python has filled by the tables of the PTX manual: thread by thread, as they are.
extern "C" __global__ void products(const unsigned* a, const unsigned* b, const float* c, float* d, int kind) {
  const int t = threadIdx.x;
  unsigned left[4], right[2];
  float sum[4];
  for (int i = 0; i < 4; i++) left[i] = a[t * 4 + i], sum[i] = c[t * 4 + i];
  for (int i = 0; i < 2; i++) right[i] = b[t * 2 + i];
  if (kind == 0) mma_bf16(sum, left, right);
  if (kind == 1) mma_f16(sum, left, right);
  if (kind == 2) mma_tf32(sum, left, right);
  for (int i = 0; i < 4; i++) d[t * 4 + i] = sum[i];
}

// x: 32 rows of 8 numbers, in the order in which the lanes give their addresses.
extern "C" __global__ void loads(const unsigned short* x, unsigned* y, unsigned* transposed) {
  __shared__ alignas(16) unsigned short tile[32][8];
  const int t = threadIdx.x;
  for (int i = 0; i < 8; i++) tile[t][i] = x[t * 8 + i];
  __syncwarp();
  unsigned r[4];
  ldmatrix_x4(r, tile[t]);
  for (int i = 0; i < 4; i++) y[t * 4 + i] = r[i];
  ldmatrix_x4_trans(r, tile[t]);
  for (int i = 0; i < 4; i++) transposed[t * 4 + i] = r[i];
}

// Copies of 16 bytes with `valid` of them read. y: what is there after the order, after waits that keep 1 and 0 groups.
extern "C" __global__ void copies(const float* x, float* y, int valid) {
  __shared__ alignas(16) float tile[2][32][4];
  const int t = threadIdx.x;
  for (int i = 0; i < 8; i++) tile[i / 4][t][i % 4] = 5;  // which is gone as soon as the copy is ordered
  for (int group = 0; group < 2; group++) {
    copy_async_16(tile[group][t], valid ? x + (group * 32 + t) * 4 : nullptr, valid);
    copy_async_commit();
  }
  for (int i = 0; i < 8; i++) y[t * 8 + i] = tile[i / 4][t][i % 4];
  copy_async_wait<1>();
  for (int i = 0; i < 8; i++) y[256 + t * 8 + i] = tile[i / 4][t][i % 4];
  copy_async_wait<0>();
  for (int i = 0; i < 8; i++) y[512 + t * 8 + i] = tile[i / 4][t][i % 4];
}

// d = a b for a (64, 16) and b (16, 64) of bfloat16, as a warpgroup does it; a by rows, b by columns. With EARLY, a is overwritten before the wait.
extern "C" __global__ void of_a_warpgroup(const unsigned short* a, const unsigned short* b, float* d, int early) {
  __shared__ alignas(1024) unsigned short left[64 * 64], right[64 * 64];
  const int t = threadIdx.x;
  for (int i = t; i < 64 * 16; i += 128) {
    const int row = i / 16, k = i % 16, at = row * 64 + ((k / 8 ^ row % 8) * 8) + k % 8;  // pieces of 8 numbers change places
    left[at] = a[i], right[at] = b[i];
  }
  show_to_tensor_cores();
  __syncthreads();
  float sum[32] = {};
  wgmma_begin();
  wgmma_bf16(sum, operand(left, 1024), operand(right, 1024));
  wgmma_commit();
  if (early)
    for (int i = t; i < 64 * 64; i += 128) left[i] = 0;
  wgmma_wait<0>();
  for (int i = 0; i < 32; i++) {
    const int row = t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + t % 4 * 2 + i % 2;
    d[row * 64 + column] = sum[i];
  }
}

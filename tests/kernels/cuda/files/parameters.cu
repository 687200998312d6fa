// One parameter of each kind, and what arrives of it.
struct Sizes {
  int rows, columns;
  double scale;
};

extern "C" __global__ void numbers(double* y, int i, unsigned u, long long l, unsigned char c, bool b, float f, double d, const Sizes sizes) {
  const double all[] = {double(i), double(u), double(l), double(c), double(b), f, d, double(sizes.rows), double(sizes.columns), sizes.scale};
  for (int k = 0; k < 10; k++) y[k] = all[k];
}

extern "C" __global__ void arrays(
    const float* __restrict__ x, double* y, const int* i, const unsigned short* bits, unsigned char* bytes, const float4* packs, void* any) {
  if (threadIdx.x == 0 && any == nullptr) y[0] = x[0];
}

extern "C" __global__ void nothing() {}

// As many bytes as CUDA allows.
struct Block {
  double numbers[255];
};
extern "C" __global__ void large(const Block a, const Block b, double* y) { y[0] = a.numbers[254] + b.numbers[254]; }

"""Every operation, fast on a CPU, in compiled Python. A way to read it:

    layout          channels innermost in memory: why, and how arrays get there
    vector          a register of the processor as a type
    product         the matrix product, six rows and two vectors at a time
    columns         convolution as that product, of columns that nobody writes down (panels: its filters, in order)
    winograd        3x3 convolutions by a quarter of the multiplications
                    (winograd_lines: the transforms; winograd_tiles: of tiles; winograd_weights: the gradient of the weights)
    depthwise       convolutions without a sum over channels
    conv            which of the three

and what all of them stand on: `threads` and `signals` (two cores kept busy), `arena` (memory used again), `jit` (compiled once), `blas`, `pieces`,
`runs`, `inside`, `moments`, `total`. The other files are operations, named as in `loops/` and `array/`.
"""

/** A sample array as a plain line, without an axis: what it is worth is said in words beside it and in the table. */
const [WIDTH, HEIGHT, EDGE] = [480, 72, 4]

export function Wave({ outline, label }: { outline: number[]; label: string }) {
  const step = WIDTH / Math.max(1, outline.length - 1)
  const points = outline.map((height, n) => `${(n * step).toFixed(1)},${(EDGE + ((1000 - height) / 1000) * (HEIGHT - 2 * EDGE)).toFixed(1)}`)
  return (
    <svg className="wave" width="100%" height={HEIGHT} viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline points={points.join(' ')} />
    </svg>
  )
}

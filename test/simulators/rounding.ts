/** Half away from zero, without the drift of binary fractions. */
export function roundHalfUp(value: number, scale: number): number {
  const rounded = Math.round(Number(`${Math.abs(value)}e${scale}`))
  return Number.isFinite(rounded) ? Math.sign(value) * Number(`${rounded}e-${scale}`) : value
}

export interface Finding {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export interface Report {
  readonly findings: readonly Finding[]
  /** By name, with the unit last in the name. */
  readonly figures: Readonly<Record<string, number>>
}

/** What a run found out: requirements that hold or do not, and figures. */
export interface Protocol {
  require(name: string, ok: boolean, detail: string): void
  note(name: string, figure: number): void
  report(): Report
}

export function createProtocol(tell: (line: string) => void): Protocol {
  const findings: Finding[] = []
  const figures: Record<string, number> = {}
  return {
    require(name, ok, detail) {
      findings.push({ name, ok, detail })
      tell(`${ok ? 'ok  ' : 'FAIL'} ${name}\n     ${detail}`)
    },
    note(name, figure) {
      const rounded = Math.round(figure * 10) / 10
      figures[name] = rounded
      tell(`     ${name}: ${rounded}`)
    },
    report: () => ({ findings, figures }),
  }
}

/** The value below which `share` of them lie; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

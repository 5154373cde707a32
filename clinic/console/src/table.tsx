/** Tables that stay tables when a narrow screen lays their rows out as blocks: roles are said, and each cell brings the
    name of its column along. */
import type { KeyboardEventHandler, ReactNode } from 'react'

export interface Column { name: string; number?: boolean; hidden?: boolean }

export function Table(props: { label?: string; caption?: ReactNode; columns: Column[]; className?: string; children: ReactNode }) {
  return (
    <table role="table" className={`data ${props.className ?? ''}`} aria-label={props.label}>
      {props.caption !== undefined && <caption className="small soft">{props.caption}</caption>}
      <thead role="rowgroup"><tr role="row">{props.columns.map(({ name, number }) => (
        <th key={name} role="columnheader" scope="col" className={number ? 'num' : undefined}>{name}</th>
      ))}</tr></thead>
      <tbody role="rowgroup">{props.children}</tbody>
    </table>
  )
}

export function Row(props: { chosen?: boolean; children: ReactNode; onKeyDown?: KeyboardEventHandler; mark?: (row: HTMLTableRowElement | null) => void }) {
  return <tr role="row" ref={props.mark} className={props.chosen ? 'chosen' : undefined}>{props.children}</tr>
}

export function Head({ className, children }: { className?: string | undefined; children: ReactNode }) {
  return <th role="rowheader" scope="row" className={className}>{children}</th>
}

export function Cell(props: { of: string; className?: string | undefined; children: ReactNode; span?: number }) {
  return <td role="cell" data-of={props.of} className={props.className} colSpan={props.span}>{props.children}</td>
}

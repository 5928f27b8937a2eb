/**
 * A chart of stacked bars. Each bar is a link with its numbers as its name, and there is a table of the same
 * numbers.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { brief, count } from "../format.js";

/** A kind of part of the bars. */
export interface Series {
  readonly name: string;
  /** The class of the style sheet that has its colour. */
  readonly look: string;
}

/** A bar. */
export interface Bar {
  readonly label: string;
  /** The numbers, in the order of the series. */
  readonly values: readonly number[];
  /** What the bar counts; absent if no list shows it. */
  readonly link?: string;
}

/** Options of a chart. */
export interface ChartOptions {
  readonly title: string;
  readonly series: readonly Series[];
  readonly bars: readonly Bar[];
}

/** The number of bars up to which each has a label. */
const FEW = 10;

/** A chart. */
export function Chart({ title, series, bars }: ChartOptions) {
  const [current, setCurrent] = useState<number | undefined>(undefined);
  const most = Math.max(1, ...bars.map(totalOf));
  const bar = current === undefined ? undefined : bars[current];
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <span class="chart-reading">
          {bar !== undefined ? textOf(bar, series) : <Legend series={series} />}
        </span>
      </figcaption>
      <div class="chart-plot">
        <span class="chart-most number" aria-hidden="true">
          {brief(most)}
        </span>
        <ol class="chart-bars" onMouseLeave={() => setCurrent(undefined)}>
          {bars.map((one, at) => {
            const options = {
              class: "chart-bar",
              onMouseEnter: () => setCurrent(at),
              onFocus: () => setCurrent(at),
            };
            const parts = one.values.map((value, of) => (
              <span
                key={series[of]?.name}
                class={`chart-part ${series[of]?.look}`}
                style={{ height: `${(100 * value) / most}%` }}
              />
            ));
            return (
              <li key={one.label}>
                {one.link === undefined ? (
                  <span role="img" aria-label={textOf(one, series)} {...options}>
                    {parts}
                  </span>
                ) : (
                  <a href={one.link} aria-label={textOf(one, series)} {...options}>
                    {parts}
                  </a>
                )}
              </li>
            );
          })}
        </ol>
        <Axis bars={bars} />
      </div>
      <details>
        <summary>Table</summary>
        <ChartTable title={title} series={series} bars={bars} />
      </details>
    </figure>
  );
}

/** The labels of all bars if they are few, and otherwise of the first, the middle and the last one. */
function Axis({ bars }: { readonly bars: readonly Bar[] }) {
  const areFew = bars.length <= FEW;
  const shown = areFew ? bars : [bars[0], bars[Math.floor(bars.length / 2)], bars.at(-1)];
  return (
    <div class={areFew ? "chart-axis chart-axis-all" : "chart-axis"} aria-hidden="true">
      {shown.map((bar) => bar && <span key={bar.label}>{bar.label}</span>)}
    </div>
  );
}

function Legend({ series }: { readonly series: readonly Series[] }) {
  if (series.length < 2) return null;
  return (
    <>
      {series.map(({ name, look }) => (
        <span key={name} class="legend">
          <span class={`swatch ${look}`} aria-hidden="true" />
          {name}
        </span>
      ))}
    </>
  );
}

function ChartTable({ title, series, bars }: ChartOptions) {
  return (
    <div class="chart-table">
      <table class="table">
        <caption class="unseen">{title}</caption>
        <thead>
          <tr>
            <td />
            {series.map(({ name }) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {bars.map(({ label, values, link }) => (
            <tr key={label}>
              <th scope="row">{link === undefined ? label : <a href={link}>{label}</a>}</th>
              {values.map((value, at) => (
                <td key={series[at]?.name} class="number">
                  {count(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const totalOf = ({ values }: Bar): number => values.reduce((sum, value) => sum + value, 0);

function textOf(bar: Bar, series: readonly Series[]): string {
  const parts = bar.values
    .map((value, at) =>
      series.length === 1 ? count(value) : `${count(value)} ${series[at]?.name}`,
    )
    .filter((_, at) => series.length === 1 || bar.values[at] !== 0);
  return `${bar.label}: ${parts.length === 0 ? "none" : parts.join(", ")}`;
}

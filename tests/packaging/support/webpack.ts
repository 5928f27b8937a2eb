// webpack, which accepts nothing but a compilation without errors and warnings.

import webpack from "webpack";

/** Builds a bundle. Rejects with the errors and warnings, if there are some. */
export async function pack(configuration: webpack.Configuration): Promise<void> {
  const compiler = webpack(configuration);
  const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
    compiler.run((error, stats) => {
      compiler.close((closing) => {
        if (error ?? closing) reject(error ?? closing);
        else resolve(stats);
      });
    });
  });
  if (stats === undefined || stats.hasErrors() || stats.hasWarnings())
    throw new Error(stats?.toString({ all: false, errors: true, warnings: true }));
}

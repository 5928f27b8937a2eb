// How a floor reads a row of the table `sessions`: the floors in SQLite and in PostgreSQL have the same columns.

/** The session of a row whose numbers are numbers. */
export function headOf(row) {
  return {
    id: row.id,
    userId: row.user_id,
    channelId: row.channel_id,
    mode: row.mode,
    task: row.task,
    workspace: row.workspace,
    status: row.status,
    createdAt: new Date(row.created_at).toISOString(),
    updatedAt: new Date(row.updated_at).toISOString(),
    iterations: row.iterations,
    maxIterations: row.max_iterations,
    context: JSON.parse(row.context),
    result: row.result ?? undefined,
    metadata: row.metadata === null ? undefined : JSON.parse(row.metadata),
    version: row.version,
    eventCount: row.event_count,
  };
}

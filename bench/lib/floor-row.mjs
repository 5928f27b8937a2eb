// How a floor reads and makes a row of the table `sessions`: the floors in SQLite and in PostgreSQL have the same columns.

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

/** The row of a session that is started now. */
export function rowOf(session, now) {
  const { tokens, cost } = session.metadata;
  return {
    id: `session_${now.toString(36)}_${Math.random().toString(36).slice(2)}`,
    version: 1,
    status: "active",
    user_id: session.userId,
    channel_id: session.channelId,
    mode: session.mode,
    created_at: now,
    updated_at: now,
    iterations: 0,
    max_iterations: session.maxIterations,
    event_count: 1,
    prompt_tokens: tokens.prompt,
    completion_tokens: tokens.completion,
    cost_nanos: Math.round(cost * 1e9),
    workspace: session.workspace,
    task: session.task,
    metadata: JSON.stringify(session.metadata),
    context: JSON.stringify(session.context),
  };
}

// The words that no file of this repository uses, in prose or in names, with the standard term for
// each.
//
// An entry bans text in one of these ways:
//
//   words    phrases, in prose and in identifiers: "stays ended" is also `stays_ended`,
//            `staysEnded` and `STAYS_ENDED`. Each is a regular expression in which a blank stands for
//            any gap between words, also one at the end of a line.
//   names    a regular expression for complete identifiers in the code of Rust, TypeScript and
//            JavaScript, for words that are good English elsewhere.
//   code     a regular expression for the literal text of such files.
//
// `except` is a regular expression for lines that are not checked.

export const bannedWords = [
  { words: ["blot(s|ted|ting)?"], instead: "redact, redacted" },
  { words: ["deeds?"], instead: "operation, bulk operation" },
  { words: ["told"], instead: "outcome, message; receives, is notified, is reported" },
  {
    words: ["members?"],
    instead: "property, field",
    // A workspace has members, in Cargo.toml and in the output of cargo.
    except: /\b(default-)?members(\\s\*)? ?= ?(\\s\*)?\\?\[|\bworkspace[ _]members?\b/,
  },
  { words: ["rubbish"], instead: "invalid reply, invalid input" },
  { names: /^([A-Z]\w*)?Kept([A-Z]\w*)?$/, instead: "LeaseRecord, StoredKey: what it is" },
  { words: ["g(ive|ives|ave|iven|iving) way"], instead: "is superseded, is evicted, yields" },
  { words: ["whom?ever", "somebody"], instead: "the caller, another process: who it is" },
  { words: ["came in last"], names: /^[cC]oming$/, instead: "pending start, current occupant" },
  { words: ["look(s|ed|ing)? into (a |an |the |its |one )?slots?"], instead: "look up a slot" },
  {
    words: ["nobody'?s way", "ke(ep|eps|pt|eping) nobody away"],
    instead: "does not block, has expired",
  },
  { names: /^(By|Whose|whose)$/, instead: "actor, owner" },
  { words: ["t(ake|akes|aken|aking|ook) up"], instead: "recover" },
  { words: ["runner (is|was) gone"], instead: "orphaned session" },
  { words: ["g(ive|ives|ave|iven|iving) up"], instead: "abandon, release, stop retrying" },
  { words: ["us(e|es|ed|ing) up"], instead: "consume, exhaust, add usage" },
  { words: ["overrul(e|es|ed|ing)"], instead: "override" },
  { words: ["sta(y|ys|yed|ying) ended"], instead: "is idempotent, stays final" },
  {
    words: [
      "(process's|process) number",
      "numbers? of (a|the|its|this) process",
      "ha(s|ve|d) its number",
    ],
    instead: "PID",
  },
  { words: ["start of the machine"], instead: "boot ID" },
  { words: ["what (must|has to) be there"], instead: "precondition" },
  { words: ["too far gone"], instead: "not resumable" },
  { code: /\bDone::quiet\b|\bfn quiet\b/, instead: "without_notifications" },
  { words: ["lengths? of time"], names: /^LENGTH$/, instead: "duration, TTL" },
  { words: ["another present"], instead: "clock override" },
  { words: ["patien(ce|t|tly)"], instead: "timeout, retries" },
  { words: ["hurr(y|ies|ied|ying)"], instead: "latency-sensitive" },
  { words: ["insist(s|ed|ing)?"], instead: "priority" },
  { names: /^suit$/, instead: "apply_pragmas" },
  { words: ["leav(e|es|ing) the log"], instead: "skip the checkpoint" },
  { words: ["unheard"], instead: "unconfirmed" },
  { names: /^(way|Way|WAY)$/, instead: "completion, callback, options: what it is" },
  { words: ["surroundings"], instead: "runtime, environment" },
  {
    words: ["lookers?", "takers?"],
    instead: "target, visitor: what it does",
    // A vendor among others.
    except: /\bkucoin looker mattermost\b/,
  },
  {
    words: ["written whole", "files? whole"],
    names: /^Whole$/,
    instead: "atomic write, written atomically",
  },
  { code: /\b(mod|as) whole\b|\bwhole::|::whole\b/, instead: "atomic_file: what it writes" },
  { words: ["one too many"], instead: "duplicate run" },
  { words: ["parted"], instead: "split into arguments" },
  { words: ["se(e|es|en|eing) to", "saw to"], instead: "clean up, handle" },
  { words: ["anew"], instead: "again; retry, restart" },
  {
    words: ["answer(s|ed|ing)? (at once|later)"],
    instead: "synchronous, asynchronous",
  },
  { words: ["picking"], instead: "page filter, selecting" },
  { words: ["well resumed", "resumed well"], instead: "resumed successfully" },
  { words: ["slot('s)? entr(y|ies)", "entr(y|ies) of (a|the|its) slots?"], instead: "claim" },
  { words: ["t(ake|akes|aken|aking|ook) down"], instead: "record an update" },
  { words: ["an end is an end"], instead: "terminal statuses are final" },
  { words: ["ke(ep|eps|pt|eping) house"], instead: "retention, cleanup" },
  { words: ["beside what (it|they) should"], instead: "against their targets" },
  { words: ["in vain"], instead: "without success, fails to" },
  { words: ["what (comes|came|has come) of"], instead: "result, outcome" },
  { words: ["(ones|those) that there (are|is)"], instead: "existing, known" },
];

/**
 * The posts in flight of a job that delivers webhooks: starts what the job says, and waits until one ends.
 *
 * @module
 */

import { startTimer } from "../runtime/timers.js";
import { type CheckAddresses, type EndedPost, ended, type Post, type PostText } from "./post.js";

/** What to post, and how long to wait. */
export interface Posting {
  /** What to post. */
  readonly start: readonly Post[];
  /** How long to wait at most, in milliseconds. */
  readonly waitMs: number;
}

/** The posts that have ended. */
export interface Ended {
  /** One for each post. */
  readonly posts: readonly EndedPost[];
  /** Whether nothing more is to be started. */
  readonly stops: boolean;
}

/** Posts in flight. */
export class Posts {
  readonly #send: PostText;
  readonly #check: CheckAddresses;
  readonly #kind: "foreground" | "background";
  readonly #abort = new AbortController();
  #ended: EndedPost[] = [];
  #inFlight = 0;
  #isStopping = false;
  /** Whether the job knows that it is to stop. */
  #hasReportedStop = false;
  #isWoken = false;
  /** Ends the wait of the job. */
  #reply: (() => void) | undefined;

  /** With `"background"` the wait does not keep the process alive. */
  constructor(send: PostText, check: CheckAddresses, kind: "foreground" | "background") {
    this.#send = send;
    this.#check = check;
    this.#kind = kind;
  }

  /** Has the job look for more to deliver. */
  wake(): void {
    this.#isWoken = true;
    this.#reply?.();
  }

  /** Has the job end when what is in flight has ended. */
  stop(): void {
    this.#isStopping = true;
    this.#reply?.();
  }

  /** Ends what is in flight, too. */
  abort(reason: Error): void {
    this.stop();
    this.#abort.abort(reason);
  }

  /** Starts posts, and waits for the end of one. */
  perform({ start, waitMs }: Posting): Promise<Ended> {
    for (const post of start) this.#start(post);
    return new Promise((resolve) => {
      const stopTimer = startTimer(waitMs, () => reply(), this.#kind);
      const reply = (): void => {
        stopTimer();
        this.#reply = undefined;
        const posts = this.#ended;
        this.#ended = [];
        this.#isWoken = false;
        this.#hasReportedStop ||= this.#isStopping;
        resolve({ posts, stops: this.#isStopping });
      };
      this.#reply = () => {
        if (this.#isReady) reply();
      };
      this.#reply();
    });
  }

  /** Whether the job has to know something at once. */
  get #isReady(): boolean {
    if (this.#ended.length > 0) return true;
    if (this.#isStopping) return !this.#hasReportedStop || this.#inFlight === 0;
    return this.#isWoken;
  }

  #start(post: Post): void {
    this.#inFlight += 1;
    void ended(post, this.#send, this.#check, this.#abort.signal).then((ended) => {
      this.#inFlight -= 1;
      this.#ended.push(ended);
      this.#reply?.();
    });
  }
}

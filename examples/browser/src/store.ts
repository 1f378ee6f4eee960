// SPDX-License-Identifier: MIT
//
// store.ts - keeps the program that sleeps in IndexedDB, where a reload of the
// page finds it.

import type { Asleep } from "./program.js";

const NAME = "torpor";
const TABLE = "asleep";
const KEY = "program";

function asPromise<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function open(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
  const database = await asPromise(request);
  return database.transaction(TABLE, mode).objectStore(TABLE);
}

export async function load(): Promise<Asleep | undefined> {
  return asPromise((await open("readonly")).get(KEY));
}

export async function store(asleep: Asleep): Promise<void> {
  await asPromise((await open("readwrite")).put(asleep, KEY));
}

export async function forget(): Promise<void> {
  await asPromise((await open("readwrite")).delete(KEY));
}

// node client.mjs [URL]: contacts by websocket, each read by the CloudEvents SDK.   npm install ws cloudevents
import { CloudEvent, HTTP } from "cloudevents";
import WebSocket from "ws";

const url = process.argv[2] ?? "http://127.0.0.1:8322";
const headers = process.env.JACKFIELD_TOKEN ? { authorization: `Bearer ${process.env.JACKFIELD_TOKEN}` } : {};
let last = "oldest"; // keep it in a file to go on after a restart of this program

function follow() {
  const query = new URLSearchParams({ select: "contact.*", after: last });
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/events?${query}`, "cloudevents.json", { headers });
  socket.on("message", (text) => {
    const message = { headers: { "content-type": "application/cloudevents+json" }, body: text.toString() };
    const event = HTTP.toEvent(message);
    if (!(event instanceof CloudEvent) || !event.validate()) throw new Error("not a CloudEvent");
    console.log(event.type, event.source, event.subject, JSON.stringify(event.data));
    last = event.position;
  });
  socket.on("error", (error) => console.error(`${error.message}; again in 2 s`));
  socket.on("close", () => setTimeout(follow, 2000));
}

follow();

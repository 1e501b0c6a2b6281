// Verifies deliveries, one a line: {"secrets": […], "headers": {…}, "body": "…"}. Each must verify with every secret that
// was live, and with none of them once a byte of it is changed.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

let verified = 0;
const fail = (line, why) => {
	console.error(`delivery ${line}: ${why}`);
	process.exit(1);
};
const verifies = (secret, body, headers) => {
	try {
		new Webhook(secret).verify(body, headers);
		return true;
	} catch {
		return false;
	}
};

const lines = readFileSync(process.argv[2], "utf8").trim().split("\n");
lines.forEach((text, line) => {
	const { secrets, headers, body } = JSON.parse(text);
	if (secrets.length === 0) fail(line, "no secret was live");
	for (const secret of secrets) {
		if (!verifies(secret, body, headers)) fail(line, "does not verify");
		if (verifies(secret, body.replace('"sequence":', '"sequence" :'), headers)) fail(line, "verifies with another body");
		if (verifies(secret, body, { ...headers, "webhook-id": headers["webhook-id"] + "0" })) fail(line, "verifies with another id");
		const late = String(Number(headers["webhook-timestamp"]) - 3600);
		if (verifies(secret, body, { ...headers, "webhook-timestamp": late })) fail(line, "verifies at another time");
	}
	verified++;
});
console.log(`${verified} deliveries verify`);

//! What a clinician would click, done over the console's own interface: patients, invites, confirmations.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, RequestBuilder, header};
use serde_json::{Value, json};

/// A join crosses a relay on the same machine in less than `LOOKS` times this.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
const LOOKS: u32 = 240;

/// The account that the printed link signs in to.
const CLINICIAN: &str = "Clinician";

/// A signed-in session at the station.
pub struct Station {
    http: Client,
    console: String,
    cookie: String,
}

impl Station {
    /// Signs in with a name and a password.
    pub async fn sign_in(console: &str, name: &str, password: &str) -> Result<Self> {
        let http = Client::builder().no_proxy().build()?;
        let console = console.trim_end_matches('/').to_owned();
        let asked = http
            .post(format!("{console}/api/session"))
            .header("x-teleward", "1")
            .json(&json!({ "name": name, "password": password }));
        let answer = asked.send().await.context("the station does not answer")?;
        if !answer.status().is_success() {
            bail!(
                "the station refuses the demo's own account: {}",
                answer.text().await?
            );
        }
        let cookies = answer.headers().get_all(header::SET_COOKIE);
        let cookie = cookies
            .iter()
            .filter_map(|cookie| cookie.to_str().ok())
            .find_map(|cookie| cookie.split(';').next());
        let cookie = cookie.context("the station gave no session")?.to_owned();
        Ok(Self {
            http,
            console,
            cookie,
        })
    }

    /// Waits until the relay has taken the clinic in: it looks for new ones now and then.
    pub async fn admitted(&self) -> Result<()> {
        for _ in 0..LOOKS {
            if self.get("/api/status").await?["relay"]["state"] == "ok" {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        bail!(
            "the relay does not take the clinic in: see relay.log and station.log in the demo's folder"
        )
    }

    /// A link that signs the clinician of the demo in once: a new account, or the old one's password forgotten.
    pub async fn account(&self, role: &str) -> Result<String> {
        let known = self.get("/api/accounts").await?;
        let mut accounts = known["accounts"].as_array().into_iter().flatten();
        let made = match accounts.find(|account| account["name"] == CLINICIAN) {
            Some(account) => {
                self.post(
                    &format!("/api/accounts/{}/reset", plain(&account["id"])),
                    &json!({}),
                )
                .await?
            }
            None => {
                self.post("/api/accounts", &json!({ "name": CLINICIAN, "role": role }))
                    .await?
            }
        };
        let link = text(&made, "link")?;
        // The station may give the link as a path.
        Ok(if link.starts_with('/') {
            format!("{}{link}", self.console)
        } else {
            link
        })
    }

    /// The id of the patient with this record, who is new unless an earlier start was broken off.
    pub async fn patient(&self, record: &Value) -> Result<String> {
        let known = self.get("/api/patients").await?;
        let mut patients = known["patients"].as_array().into_iter().flatten();
        match patients.find(|known| known["record_number"] == record["record_number"]) {
            Some(known) => text(known, "id"),
            None => text(&self.post("/api/patients", record).await?, "id"),
        }
    }

    /// A new invite's address for a patient.
    pub async fn invite(&self, patient: &str) -> Result<String> {
        let path = format!("/api/patients/{patient}/invites");
        let mut looks = 0;
        loop {
            match self.post(&path, &json!({})).await {
                // a relay that runs looks for new clinics twice a second
                Err(error) if looks < LOOKS && format!("{error:#}").contains("tenant add") => {
                    looks += 1;
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
                made => return text(&made?, "url"),
            }
        }
    }

    /// As a person does who saw the phone.
    async fn confirm(&self, up: &str) -> Result<()> {
        self.post(
            &format!("/api/links/{up}/confirm"),
            &json!({ "how": "in_person" }),
        )
        .await
        .map(drop)
    }

    /// Confirms a link as soon as the station has its join, if nobody has.
    pub async fn confirm_when_pending(&self, patient: &str, up: &str) -> Result<()> {
        for _ in 0..LOOKS {
            let page = self.get(&format!("/api/patients/{patient}")).await?;
            let mut links = page["links"].as_array().into_iter().flatten();
            let link = links.find(|link| link["up"] == up);
            match link.and_then(|link| link["state"].as_str()) {
                Some("pending") => return self.confirm(up).await,
                Some("confirmed") => return Ok(()),
                _ => {}
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        bail!("the station has not seen the join of a phone that joined")
    }

    /// Opens what a patient's cuff had stored, as a clinician does who goes through the list.
    pub async fn look(&self, patient: &str, readings: usize) -> Result<()> {
        for _ in 0..LOOKS {
            let page = self
                .get(&format!("/api/patients/{patient}/readings?limit=200"))
                .await?;
            let found = page["readings"].as_array().into_iter().flatten();
            let ids: Vec<&Value> = found.map(|reading| &reading["id"]).collect();
            if ids.len() >= readings {
                return self
                    .post("/api/seen", &json!({ "readings": ids }))
                    .await
                    .map(drop);
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        bail!("the station does not get what a cuff had stored")
    }

    /// Ends a link: its phone was lost.
    pub async fn end(&self, up: &str, reason: &str) -> Result<()> {
        self.post(
            &format!("/api/links/{up}/end"),
            &json!({ "reason": reason }),
        )
        .await
        .map(drop)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        answer(path, self.ask(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        answer(path, self.ask(Method::POST, path).json(body)).await
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let asked = self.http.request(method, format!("{}{path}", self.console));
        asked
            .header("x-teleward", "1")
            .header(header::COOKIE, &self.cookie)
    }
}

async fn answer(path: &str, asked: RequestBuilder) -> Result<Value> {
    let answer = asked
        .send()
        .await
        .with_context(|| format!("the station does not answer {path}"))?;
    let status = answer.status();
    let body = answer.text().await?;
    if !status.is_success() {
        bail!("the station answers {status} to {path}: {body}");
    }
    if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_str(&body).context("not JSON")
    }
}

fn text(answer: &Value, member: &str) -> Result<String> {
    answer
        .get(member)
        .map(plain)
        .with_context(|| format!("the station's answer has no `{member}`"))
}

/// An id as it stands in a path, whether the station writes it as text or as a number.
fn plain(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

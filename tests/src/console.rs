//! A client of the console's interface: what a clinician clicks, as calls.

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Method, header};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A password that the station takes as strong enough.
pub const PASSWORD: &str = "correct horse battery staple 7";

/// One signed-in session.
#[derive(Debug, Clone)]
pub struct Console {
    http: Client,
    base: String,
    cookie: Option<String>,
}

impl Console {
    /// A client that is not signed in. Another one's cookies are never shared.
    ///
    /// # Errors
    /// Those of the HTTP client.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        crate::process::tls();
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            cookie: None,
        })
    }

    /// Signs in with a one-time link and sets [`PASSWORD`].
    ///
    /// # Errors
    /// When the station refuses.
    pub async fn sign_in_with_link(base: &str, link: &str) -> anyhow::Result<Self> {
        let mut console = Self::new(base)?;
        let (_, token) = link
            .split_once('#')
            .context("a sign-in link has its token behind #")?;
        console
            .open_session("/api/session/link", &json!({ "token": token }))
            .await?;
        console
            .post("/api/password", &json!({ "new": PASSWORD }))
            .await?;
        Ok(console)
    }

    /// Signs in with a name and [`PASSWORD`].
    ///
    /// # Errors
    /// When the station refuses.
    pub async fn sign_in(base: &str, name: &str) -> anyhow::Result<Self> {
        let mut console = Self::new(base)?;
        console
            .open_session(
                "/api/session",
                &json!({ "name": name, "password": PASSWORD }),
            )
            .await?;
        Ok(console)
    }

    async fn open_session(&mut self, path: &str, body: &Value) -> anyhow::Result<()> {
        let answer = self.request(Method::POST, path).json(body).send().await?;
        let cookie = answer
            .headers()
            .get(header::SET_COOKIE)
            .and_then(|value| value.to_str().ok());
        let cookie = cookie
            .and_then(|value| value.split(';').next())
            .map(str::to_owned);
        let status = answer.status();
        ensure!(
            status.is_success(),
            "{path}: {status} {}",
            answer.text().await?
        );
        self.cookie = Some(cookie.context("the station gave no session")?);
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("x-teleward", "1");
        match &self.cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    }

    /// Any call: status and body (`null` when empty).
    ///
    /// # Errors
    /// When there is no answer, or one that is no JSON.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(u16, Value)> {
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request
            .send()
            .await
            .with_context(|| format!("the station does not answer {path}"))?;
        let (status, text) = (answer.status().as_u16(), answer.text().await?);
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).with_context(|| format!("{path}: not JSON"))?
        };
        Ok((status, body))
    }

    /// A reading call that must have success.
    ///
    /// # Errors
    /// For any status but 2xx.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        match self.call(Method::GET, path, None).await? {
            (200..300, body) => Ok(body),
            (status, body) => bail!("GET {path}: {status} {body}"),
        }
    }

    /// A changing call that must have success.
    ///
    /// # Errors
    /// For any status but 2xx.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        match self.call(Method::POST, path, Some(body)).await? {
            (200..300, body) => Ok(body),
            (status, body) => bail!("POST {path}: {status} {body}"),
        }
    }

    /// A new patient's id.
    ///
    /// # Errors
    /// When the station refuses.
    pub async fn new_patient(&self, name: &str, record_number: &str) -> anyhow::Result<String> {
        let patient = json!({ "name": name, "born": "1948-05-02", "record_number": record_number, "phone": "01632 960 147", "zone": "Europe/London" });
        text(&self.post("/api/patients", &patient).await?, "id")
    }

    /// A new invite's address. A relay takes a moment to notice a clinic that was admitted while it ran.
    ///
    /// # Errors
    /// When the station refuses.
    pub async fn invite(&self, patient: &str) -> anyhow::Result<String> {
        let path = format!("/api/patients/{patient}/invites");
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            match self.call(Method::POST, &path, Some(&json!({}))).await? {
                (200..300, body) => return text(&body, "url"),
                (409, body) if body["code"] == "relay" && Instant::now() < end => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                (status, body) => bail!("POST {path}: {status} {body}"),
            }
        }
    }

    /// The patient's readings, newest first, all pages.
    ///
    /// # Errors
    /// When the station refuses.
    pub async fn readings(&self, patient: &str) -> anyhow::Result<Vec<Value>> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let before = all
                .last()
                .and_then(|r| r["id"].as_str())
                .map(|id| format!("&before={id}"))
                .unwrap_or_default();
            let page = self
                .get(&format!(
                    "/api/patients/{patient}/readings?limit=100{before}"
                ))
                .await?;
            all.extend(
                page["readings"]
                    .as_array()
                    .context("no readings")?
                    .iter()
                    .cloned(),
            );
            if page["more"] != true {
                return Ok(all);
            }
        }
    }

    /// Asks again and again until `enough` is content with the answer to `path`.
    ///
    /// # Errors
    /// When that takes longer than `patience`; the last answer stands in the error.
    pub async fn until(
        &self,
        path: &str,
        patience: Duration,
        mut enough: impl FnMut(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let end = Instant::now() + patience;
        loop {
            let answer = self.get(path).await?;
            if enough(&answer) {
                return Ok(answer);
            }
            ensure!(
                Instant::now() < end,
                "GET {path} did not come to what was wanted within {} s: {answer}",
                patience.as_secs()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn text(answer: &Value, member: &str) -> anyhow::Result<String> {
    answer[member]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("no `{member}` in {answer}"))
}

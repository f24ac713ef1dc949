mod token;

use std::error::Error;

use token::TokenSource;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| std::env::var(name).ok();
    let issuer = variable("DOORWARD_ISSUER").unwrap_or("http://localhost:8080/t/acme".to_owned());
    let (Some(id), Some(secret)) = (variable("DOORWARD_ID"), variable("DOORWARD_SECRET")) else {
        return Err(
            "Set DOORWARD_ID and DOORWARD_SECRET to those of an app of the kind `service`.".into(),
        );
    };
    let backend = variable("BACKEND").unwrap_or("http://127.0.0.1:4000/me".to_owned());
    let tokens = TokenSource::new(&issuer, id, secret)?;
    let answer =
        reqwest::Client::new().get(backend).bearer_auth(tokens.token().await?).send().await?;
    println!("{} {}", answer.status().as_u16(), answer.text().await?);
    Ok(())
}

//! The mailbox of `dev`: mail is kept in a folder instead of being sent, and shown on a page.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Mail, SendError};

/// The oldest go when there are more.
const MAX_KEPT: usize = 200;

#[derive(Clone, Debug)]
pub struct Mailbox {
    folder: PathBuf,
}

/// A letter that was caught.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeptMail {
    /// Later letters have greater ids.
    pub id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Mailbox {
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder })
    }

    pub async fn keep(&self, mail: Mail) -> Result<(), SendError> {
        let kept = KeptMail {
            id: mail.id.to_string(),
            from: mail.from_name.to_string(),
            to: mail.to.to_string(),
            subject: mail.subject,
            text: mail.text,
            html: mail.html,
        };
        let mailbox = self.clone();
        let written = tokio::task::spawn_blocking(move || mailbox.write(&kept)).await;
        let written = written.map_err(|error| SendError::Unavailable(error.to_string()))?;
        written.map_err(|error| SendError::Unavailable(error.to_string()))
    }

    /// Readers see a whole letter or none.
    fn write(&self, kept: &KeptMail) -> io::Result<()> {
        let draft = self.folder.join(format!("{}.draft", kept.id));
        fs::write(&draft, serde_json::to_vec_pretty(kept)?)?;
        fs::rename(&draft, self.folder.join(format!("{}.json", kept.id)))?;
        let mut names = self.names()?;
        for old in names.split_off(MAX_KEPT.min(names.len())) {
            let _ = fs::remove_file(old);
        }
        Ok(())
    }

    /// The letters, the newest first.
    pub fn list(&self) -> io::Result<Vec<KeptMail>> {
        let names = self.names()?;
        // One that was removed meanwhile is no mistake.
        Ok(names
            .iter()
            .filter_map(|name| serde_json::from_slice(&fs::read(name).ok()?).ok())
            .collect())
    }

    /// The newest first.
    fn names(&self) -> io::Result<Vec<PathBuf>> {
        let mut names: Vec<PathBuf> = fs::read_dir(&self.folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        names.sort_by(|a, b| b.cmp(a));
        Ok(names)
    }
}

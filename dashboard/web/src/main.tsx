import { render } from 'solid-js/web';
import './styles/fonts.css';
import './styles/tokens.css';

const root = document.getElementById('app');
if (root) render(() => <h1>Tercel</h1>, root);
